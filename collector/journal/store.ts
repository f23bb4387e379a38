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
  /** Whether a follower reads along and reports how far (`JournalChange.followed`). Rows it has not read are never too old. */
  readonly followed?: boolean;
  /** For tests: SQLite refuses to grow beyond this many pages. */
  readonly maxPages?: number;
  /** A database prepared for writing. @default the file in `dir` */
  readonly database?: DatabaseSync;
  /** Which keys a line restores in the seen ids. @default none */
  readonly keyRule?: KeyRule;
  /** For tests. */
  readonly segmentSize?: SegmentSize;
  /** Size at which the WAL is moved into the database. @default 4 MiB */
  readonly walBytes?: number;
}

/** Most rows of history deleted in one transaction: this many, and two for each row that it adds. */
const PRUNE_ROWS = 64;
const PRUNE_ROWS_PER_ROW = 2;
/** On a full disk: most rows deleted at once, and bytes deleted beyond those needed. */
const MAKE_ROOM_ROWS = 10_000;
const SPARE_BYTES = 64 * 1024;
const NO_KEYS: KeyRule = { version: 0, keysOf: () => [] };

/** The journal's only writer. Synchronous, because it runs in its own thread. */
export class JournalStore {
  readonly #database: DatabaseSync;
  readonly #options: StoreOptions;
  readonly #changing: Changing;
  readonly #file: DatabaseFile;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  #commits = 0;
  readonly #refusals = new Refusals();
  /** Rows after this one are kept whatever their age, because the follower has not read them. */
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

  /** Writes all changes in one transaction with one fsync. Each change is kept completely or not at all. */
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
      // A change that is too large for the disk must not make the others fail.
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

  /** Indexes what was written, for a few milliseconds. @returns whether there may be more */
  index(): boolean {
    return this.#indexer.step();
  }

  /** The highest numbers that a row and a held line ever had, and when the last row was written. */
  get last(): { readonly rows: number; readonly held: number; readonly atMs: number } {
    return this.#changing.last;
  }

  /** The database's file, for its size on disk. */
  get file(): DatabaseFile {
    return this.#file;
  }

  /** Deletes this many bytes of history. @returns whether there was any, and it succeeded */
  makeRoomFor(bytes: number): boolean {
    return this.#makeRoom([], bytes);
  }

  /** The refusal of new events and their bytes, if the disk is the reason. */
  get turnedAwayByDisk(): { readonly refusal: JournalRefusal; readonly bytes: number } | undefined {
    return this.#refusals.byDisk;
  }

  /** Commits an empty change, to see whether writing works. */
  tryToWrite(nowMs: number): void {
    this.write([{}], nowMs);
  }

  /** Notes a refusal of new events that did not reach the store. */
  turnedAway(bytes: number, refusal: JournalRefusal): void {
    this.#refusals.refused(bytes, refusal);
  }

  close(): void {
    this.#file.checkpoint();
    this.#database.close();
  }

  /** Deletes the oldest published rows while the journal exceeds its limit or the rows are too old. */
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
   * On a full disk, deletes as much history as the changes need, with some to spare.
   *
   * @returns whether there was any to delete
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
      // The caller reports why writing fails.
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
