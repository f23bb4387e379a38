import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Changing, type WriteResult } from './changing.ts';
import { isFull } from './damage.ts';
import { DatabaseFile } from './database-file.ts';
import { DISK_FULL, Refusals } from './refusals.ts';
import { JOURNAL_FILE, openForWriting } from './schema.ts';
import { SegmentIndexer, type KeyRule, type SegmentSize } from './segments.ts';
import { bytesOf, newBytes, type StoredChange } from './stored-change.ts';
import type { JournalRefusal, JournalStats } from './types.ts';
import { errorText } from '../../runtime/error-text.ts';

export interface StoreOptions {
  readonly dir: string;
  readonly maxBytes: number;
  readonly retentionMs: number;
  readonly rejectedMax: number;
  /** Whether somebody takes what is written, and says how far (`JournalChange.followed`): until then no row is too old. */
  readonly followed?: boolean;
  /** For tests: SQLite refuses to grow beyond this many pages. */
  readonly maxPages?: number;
  /** Prepared for writing. @default the file in `dir` */
  readonly database?: DatabaseSync;
  /** What a line brings back into the seen ids. @default nothing */
  readonly keyRule?: KeyRule;
  /** For tests. */
  readonly segmentSize?: SegmentSize;
  /** How large the WAL may become before it is made part of the database. @default 4 MiB */
  readonly walBytes?: number;
}

/** Rows of history let go of in one transaction, at most: so many, and two for each row that it adds. */
const PRUNE_ROWS = 64;
const PRUNE_ROWS_PER_ROW = 2;
/** What a full disk lets go of at once, at most, and beyond what is asked for. */
const MAKE_ROOM_ROWS = 10_000;
const SPARE_BYTES = 64 * 1024;
const NO_KEYS: KeyRule = { version: 0, keysOf: () => [] };

/** The journal's one writer. Synchronous: it lives in a thread of its own. */
export class JournalStore {
  readonly #database: DatabaseSync;
  readonly #options: StoreOptions;
  readonly #changing: Changing;
  readonly #file: DatabaseFile;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #commits = 0;
  readonly #refusals = new Refusals();
  /** Rows after it are not too old, whatever their age: somebody has yet to take them. */
  #followedRow: number;
  readonly #indexer: SegmentIndexer;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#followedRow = options.followed === true ? 0 : Number.MAX_SAFE_INTEGER;
    const database = options.database ?? openForWriting(join(options.dir, JOURNAL_FILE), options);
    this.#database = database;
    this.#indexer = new SegmentIndexer(database, options.keyRule ?? NO_KEYS, options.segmentSize);
    this.#changing = new Changing(database, options);
    this.#file = new DatabaseFile(database);
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
  }

  /** One transaction, one fsync for all of the changes; each of them is kept whole or not at all. */
  write(changes: readonly StoredChange[], nowMs: number): readonly WriteResult[] {
    const results = this.#write(changes, nowMs, true);
    results.forEach((result, index) => {
      const { append, hold = [], count = [] } = changes[index] ?? {};
      const bringsNew = append !== undefined || count.length > 0 || hold.length > 0;
      if (result.ok) this.#refusals.taken(bringsNew);
      else if (bringsNew && result.refusal.code !== 'batch_too_large')
        this.#refusals.refused(Buffer.byteLength(append ?? '') + newBytes(hold) + bytesOf(count), result.refusal);
    });
    return results;
  }

  #write(changes: readonly StoredChange[], nowMs: number, mayMakeRoom: boolean): readonly WriteResult[] {
    const before = this.#changing.counters;
    try {
      this.#begin.run();
      const rowsBefore = this.#changing.lastRow;
      const results = this.#changing.applyAll(changes, nowMs);
      for (const [index, { followed }] of changes.entries())
        if (followed !== undefined && results[index]?.ok === true) this.#followedRow = followed;
      this.#prune(nowMs, PRUNE_ROWS + PRUNE_ROWS_PER_ROW * (this.#changing.lastRow - rowsBefore));
      this.#changing.saveTotals();
      this.#commit.run();
      this.#commits += 1;
      return results;
    } catch (error) {
      this.#changing.restore(before);
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      if (mayMakeRoom && isFull(error) && this.#makeRoom(changes)) return this.#write(changes, nowMs, false);
      // One change too many for the disk must not take the others with it.
      if (changes.length > 1) return changes.flatMap((change) => this.#write([change], nowMs, true));
      return changes.map(() => ({ ok: false, refusal: unavailable(error) }));
    }
  }

  stats(): JournalStats {
    const { bytesInAll, backlogBytes, roomBytes, lastRow, rejected } = this.#changing;
    const refusal = this.#refusals.current(roomBytes);
    return {
      bytes: bytesInAll,
      maxBytes: this.#options.maxBytes,
      lastRow,
      backlogBytes,
      rejected: rejected.count,
      unpublishable: rejected.unpublishable,
      commits: this.#commits,
      ...(refusal !== undefined && { refusal: { code: refusal.code, message: refusal.message } }),
    };
  }

  /** Sums up what was written, a few milliseconds of it. @returns whether there may be more */
  index(): boolean {
    return this.#indexer.step();
  }

  /** What the last row and the last held line were ever numbered. */
  get last(): { readonly rows: number; readonly held: number; readonly atMs: number } {
    return this.#changing.last;
  }

  /** The room that it takes on its disk. */
  get file(): DatabaseFile {
    return this.#file;
  }

  /** Lets go of history for so many bytes. @returns whether there was any, and it could be */
  makeRoomFor(bytes: number): boolean {
    return this.#makeRoom([], bytes);
  }

  /** What turned new events away, and how many bytes of them, where the disk did. */
  get turnedAwayByDisk(): { readonly refusal: JournalRefusal; readonly bytes: number } | undefined {
    return this.#refusals.byDisk;
  }

  /** Writes nothing, to see whether that can be done. */
  tryToWrite(nowMs: number): void {
    this.write([{}], nowMs);
  }

  /** New events are turned away before they come here. */
  turnedAway(bytes: number, refusal: JournalRefusal): void {
    this.#refusals.refused(bytes, refusal);
  }

  close(): void {
    this.#file.checkpoint();
    this.#database.close();
  }

  /** Lets go of the oldest published rows while the journal is over its bound, or they are over their time. */
  #prune(nowMs: number, limit: number): void {
    const tooOld = nowMs - this.#options.retentionMs;
    const { bytesInAll } = this.#changing;
    this.#changing.dropHistory(
      limit,
      ({ row, atMs, droppedBytes }) =>
        bytesInAll - droppedBytes > this.#options.maxBytes || (atMs < tooOld && row <= this.#followedRow),
    );
  }

  /**
   * Where the disk is full, history makes room for what is new: as much as that takes, with some to spare.
   *
   * @returns whether there was any to let go of
   */
  #makeRoom(changes: readonly StoredChange[], moreBytes = 0): boolean {
    const before = this.#changing.counters;
    const wanted = changes.reduce(
      (sum, { append, count = [] }) => sum + Buffer.byteLength(append ?? '') + bytesOf(count),
      SPARE_BYTES + moreBytes,
    );
    try {
      this.#begin.run();
      const dropped = this.#changing.dropHistory(MAKE_ROOM_ROWS, ({ droppedBytes }) => droppedBytes < wanted);
      this.#changing.saveTotals();
      this.#commit.run();
      return dropped;
    } catch {
      // The caller reports why nothing can be written.
      this.#changing.restore(before);
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      return false;
    }
  }
}

function unavailable(error: unknown): JournalRefusal {
  if (isFull(error)) return DISK_FULL;
  return { code: 'journal_unavailable', message: `The journal cannot be written: ${errorText(error)}` };
}
