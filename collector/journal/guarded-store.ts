import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JOURNAL_CURE, naming } from './damage.ts';
import { opening } from './no-room.ts';
import { diskFilesOf, type DiskFiles } from './disk-files.ts';
import { DiskRoom } from './disk-room.ts';
import { lossOf, MarkFile, type JournalLoss } from './mark.ts';
import { watchDatabase } from './own-file.ts';
import { DISK_FULL, GONE, NO_ROOM_AT_ALL } from './refusals.ts';
import { JOURNAL_FILE } from './schema.ts';
import type { WriteResult } from './changing.ts';
import { JournalStore, type StoreOptions } from './store.ts';
import { movedBytesOf, newBytesOf, type StoredChange } from './stored-change.ts';
import type { JournalRefusal, JournalStats } from './types.ts';

const MARK_FILE = 'journal.mark';
/** The least history to delete at once, because emptying the WAL for it is costly. */
const ROOM_BYTES = 1024 * 1024;
/** The bytes kept unused, for data that moves. */
const SPARE_BYTES = 128 * 1024;

/** What the guard needs besides the database: real files, or simulated ones. */
export interface GuardedFiles {
  readonly disk: DiskFiles;
  /** Called once the journal exists. */
  openMark(): Pick<MarkFile, 'read' | 'write' | 'close'>;
  /** Whether there is no journal yet. */
  readonly isNew: boolean;
  /** Called once the journal exists. @returns a function that tells whether its file is still in place */
  watch(): () => boolean;
}

/** Called before the journal is opened. @param dir DATA_DIR */
function guardedFilesOf(dir: string): GuardedFiles {
  const path = join(dir, JOURNAL_FILE);
  return {
    disk: diskFilesOf(dir),
    openMark: () => new MarkFile(join(dir, MARK_FILE)),
    isNew: !existsSync(path),
    watch: () => watchDatabase(path),
  };
}

/**
 * The store on a disk that may be full, removed or damaged. New events are refused while the disk has just enough room to
 * record what is published. If other programs take that too, the ballast is given up.
 */
export class GuardedStore {
  readonly #store: JournalStore;
  readonly #room: DiskRoom;
  readonly #mark: ReturnType<GuardedFiles['openMark']>;
  readonly #isThere: () => boolean;
  /** Accepted events that are missing from the journal. */
  readonly lost: JournalLoss | undefined;

  /** @throws DamagedFileError, NoRoomError */
  constructor(options: StoreOptions, files: GuardedFiles = guardedFilesOf(options.dir)) {
    const { dir, maxBytes } = options;
    this.#room = new DiskRoom(files.disk, maxBytes, Date.now);
    const { walBytes } = this.#room;
    this.#store = opening(dir, () =>
      naming(
        join(dir, JOURNAL_FILE),
        JOURNAL_CURE,
        () => new JournalStore({ ...options, ...(walBytes > 0 && { walBytes }) }),
      ),
    );
    this.#room.keepRoomForStart();
    this.#isThere = files.watch();
    this.#mark = files.openMark();
    const { last } = this.#store;
    if (!files.isNew) this.lost = lossOf(this.#mark.read(), last);
    this.#mark.write(last);
  }

  write(changes: readonly StoredChange[], nowMs: number): readonly WriteResult[] {
    if (!this.#isThere()) return changes.map(() => refused(GONE));
    const bytes = changes.map(newBytesOf);
    const results = this.#writeWhatFits(changes, bytes, nowMs);
    if (bytes.some((one) => one > 0)) this.#mark.write({ ...this.#store.last, atMs: nowMs });
    return this.#isThere() ? results : changes.map(() => refused(GONE));
  }

  /** Indexes what was written. @returns whether there may be more; false if there is no room for it now */
  index(): boolean {
    return this.#hasRoomFor(0) && this.#store.index();
  }

  /** Checks again whether new events must be refused. If none are sent meanwhile, nothing else would find out. */
  look(): void {
    const turnedAway = this.#store.turnedAwayByDisk;
    if (turnedAway === undefined || !this.#isThere()) return;
    const isFullDisk = turnedAway.refusal === DISK_FULL || turnedAway.refusal === NO_ROOM_AT_ALL;
    if (isFullDisk && !this.#hasRoomFor(turnedAway.bytes)) this.#lookForRoom(turnedAway.bytes);
    if (!isFullDisk || this.#hasRoomFor(turnedAway.bytes)) this.#store.tryToWrite(Date.now());
  }

  stats(): JournalStats {
    return this.#store.stats();
  }

  close(): void {
    this.#store.close();
    this.#mark.close();
    this.#room.keepRoomForStart(true);
  }

  #writeWhatFits(changes: readonly StoredChange[], bytes: readonly number[], nowMs: number): readonly WriteResult[] {
    const inAll = bytes.reduce((sum, one) => sum + one, 0);
    const moved = changes.reduce((sum, one) => sum + movedBytesOf(one), 0);
    let fits = this.#hasRoomFor(inAll + moved);
    if (!fits) {
      this.#lookForRoom(inAll);
      fits = this.#hasRoomFor(inAll + moved);
      // One after the other, so that each finds the room that the one before has freed.
      if (!fits && moved > 0 && changes.length > 1)
        return changes.flatMap((one, index) => this.#writeWhatFits([one], bytes.slice(index, index + 1), nowMs));
      if (!fits) this.#makeRoomToMove(moved);
    }
    if (inAll === 0 || fits) return this.#writeAll(changes, bytes, nowMs);
    // All share a transaction, so those already accepted need their room too.
    let newBytes = 0;
    const isTaken = bytes.map((one) => {
      if (one === 0) return true;
      if (!this.#hasRoomFor(newBytes + one)) return false;
      newBytes += one;
      return true;
    });
    const taken = changes.filter((_, index) => isTaken[index]);
    const results = this.#writeAll(
      taken,
      bytes.filter((_, index) => isTaken[index]),
      nowMs,
    ).values();
    return bytes.map((one, index) => {
      if (isTaken[index] === true) return results.next().value ?? refused(DISK_FULL);
      this.#store.turnedAway(one, DISK_FULL);
      return refused(DISK_FULL);
    });
  }

  /** Changes that only settle events make room. For them, the WAL is emptied and, in the end, the ballast given up. */
  #writeAll(changes: readonly StoredChange[], bytes: readonly number[], nowMs: number): readonly WriteResult[] {
    if (changes.length === 0) return [];
    const results = [...this.#store.write(changes, nowMs)];
    for (const makeRoom of [() => this.#store.file.checkpoint(), () => this.#room.giveUpBallast()]) {
      const stuck = results.flatMap((result, index) => (isFull(result) && bytes[index] === 0 ? [index] : []));
      if (stuck.length === 0) break;
      if (!makeRoom()) continue;
      const again = this.#store.write(
        stuck.flatMap((index) => changes[index] ?? []),
        nowMs,
      );
      stuck.forEach((index, at) => (results[index] = again[at] ?? refused(DISK_FULL)));
    }
    return results.map((result, index) => {
      if (!isFull(result) || bytes[index] !== 0) return result;
      this.#store.turnedAway(0, NO_ROOM_AT_ALL);
      return refused(NO_ROOM_AT_ALL);
    });
  }

  /** Deletes history to make room for data that moves within the journal. Otherwise the database would grow. */
  #makeRoomToMove(bytes: number): void {
    if (bytes === 0 || this.#store.file.unusedBytes > 2 * bytes + SPARE_BYTES) return;
    this.#store.makeRoomFor(Math.max(2 * bytes, SPARE_BYTES));
    this.#store.file.checkpoint();
  }

  /** The database has grown into the room of the ballast: deletes published events and shrinks the file. */
  #shrink(): boolean {
    while (this.#store.makeRoomFor(Number.MAX_SAFE_INTEGER));
    return this.#store.file.checkpoint() && this.#store.file.shrink(this.#room.free);
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#room.hasRoomFor(bytes, () => this.#store.file.unusedBytes);
  }

  #lookForRoom(bytes: number): void {
    if (!this.#room.mayLook()) return;
    this.#store.file.checkpoint();
    if (bytes > 0 && !this.#hasRoomFor(bytes) && this.#store.makeRoomFor(Math.max(bytes, ROOM_BYTES)))
      this.#store.file.checkpoint();
    if (!this.#room.restoreBallast() && bytes > 0 && this.#shrink()) this.#room.restoreBallast();
    if (!this.#hasRoomFor(bytes)) this.#room.lookedInVain();
  }
}

const refused = (refusal: JournalRefusal): WriteResult => ({ ok: false, refusal });

const isFull = (result: WriteResult): boolean => !result.ok && result.refusal === DISK_FULL;
