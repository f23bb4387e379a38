import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CursorTable } from './cursor-table.ts';
import { isFull } from './damage.ts';
import { History } from './history.ts';
import { DISK_FULL, Refusals } from './refusals.ts';
import { JOURNAL_FILE, openForWriting, PAGE_BYTES } from './schema.ts';
import { SegmentIndexer, type KeyRule, type SegmentSize } from './segments.ts';
import { TotalsTable } from './totals.ts';
import { HeldEventsTable } from './held-events-table.ts';
import { RejectedTable } from './rejected-table.ts';
import { bytesOf, newBytes, onlyAppends, ROW_LENGTH, rowsOf, type StoredChange } from './stored-change.ts';
import type { Cursor, JournalRefusal, JournalStats } from './types.ts';
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

export type WriteResult =
  | { readonly ok: true; readonly heldIds: readonly number[] }
  | { readonly ok: false; readonly refusal: JournalRefusal };

/** Rows of history let go of in one transaction, at most: so many, and two for each row that it adds. */
const PRUNE_ROWS = 64;
const PRUNE_ROWS_PER_ROW = 2;
/** What a full disk lets go of at once, at most, and beyond what is asked for. */
const MAKE_ROOM_ROWS = 10_000;
const SPARE_BYTES = 64 * 1024;
/** What a database takes in the WAL when all of it is written anew. */
const SHRINK_OVERHEAD = 1.1;
const NO_KEYS: KeyRule = { version: 0, keysOf: () => [] };

/** The journal's one writer. Synchronous: it lives in a thread of its own. */
export class JournalStore {
  readonly #database: DatabaseSync;
  readonly #options: StoreOptions;
  readonly #totals: TotalsTable;
  readonly #statements: Record<
    'append' | 'hold' | 'unhold' | 'count' | 'uncount' | 'countedBytes' | 'heldBytes' | 'last' | 'unusedPages',
    StatementSync
  >;
  #bytes: number;
  #heldBytes: number;
  /** Bytes of what is not an event: lines that count in open windows, and remembered keys. */
  #asideBytes: number;
  #settledBytes: number;
  /** Rows up to this one are settled as a whole. */
  #settledRow: number;
  #lastRow: number;
  #commits = 0;
  readonly #refusals = new Refusals();
  /** Rows after it are not too old, whatever their age: somebody has yet to take them. */
  #followedRow: number;
  readonly #indexer: SegmentIndexer;
  readonly #heldEvents: HeldEventsTable;
  readonly #rejected: RejectedTable;
  readonly #cursor: CursorTable;
  readonly #history: History;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#followedRow = options.followed === true ? 0 : Number.MAX_SAFE_INTEGER;
    const database = options.database ?? openForWriting(join(options.dir, JOURNAL_FILE), options);
    this.#database = database;
    this.#indexer = new SegmentIndexer(database, options.keyRule ?? NO_KEYS, options.segmentSize);
    this.#heldEvents = new HeldEventsTable(database);
    this.#rejected = new RejectedTable(database, options.rejectedMax);
    this.#statements = {
      append: database.prepare('INSERT INTO batch (at_ms, lines, bytes, keys) VALUES (?, ?, ?, ?)'),
      hold: database.prepare('INSERT INTO held (reason, due_ms, attempts, line) VALUES (?, ?, ?, ?)'),
      unhold: database.prepare('DELETE FROM held WHERE id = ? RETURNING reason, octet_length(line) AS bytes'),
      count: database.prepare('INSERT INTO counted (id, line) VALUES (?, ?)'),
      uncount: database.prepare('DELETE FROM counted WHERE id = ? RETURNING octet_length(line) AS bytes'),
      countedBytes: database.prepare('SELECT octet_length(line) AS bytes FROM counted WHERE id = ?'),
      heldBytes: database.prepare('SELECT octet_length(line) AS bytes FROM held WHERE id = ?'),
      last: database.prepare(
        `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'batch'), 0) AS rows, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'held'), 0) AS held, coalesce((SELECT at_ms FROM batch ORDER BY row DESC LIMIT 1), 0) AS at_ms`,
      ),
      unusedPages: database.prepare('PRAGMA freelist_count'),
    };
    this.#cursor = new CursorTable(database);
    this.#history = new History(database);
    this.#lastRow = this.#number('SELECT coalesce(max(row), 0) AS n FROM batch');
    this.#totals = new TotalsTable(database);
    const totals = this.#totals.load(this.#lastRow, this.#cursor.found);
    this.#bytes = totals.bytes;
    this.#heldBytes = totals.heldBytes;
    this.#asideBytes = totals.asideBytes;
    this.#settledBytes = totals.settledBytes;
    this.#settledRow = totals.settledRow;
    this.#settleUpTo(this.#cursor.found);
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
    const before = this.#counters();
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const rowsBefore = this.#lastRow;
      const results = this.#applyAll(changes, nowMs);
      this.#prune(nowMs, PRUNE_ROWS + PRUNE_ROWS_PER_ROW * (this.#lastRow - rowsBefore));
      this.#saveTotals();
      this.#database.exec('COMMIT');
      this.#commits += 1;
      return results;
    } catch (error) {
      this.#restore(before);
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      if (mayMakeRoom && isFull(error) && this.#makeRoom(changes)) return this.#write(changes, nowMs, false);
      // One change too many for the disk must not take the others with it.
      if (changes.length > 1) return changes.flatMap((change) => this.#write([change], nowMs, true));
      return changes.map(() => ({ ok: false, refusal: unavailable(error) }));
    }
  }

  stats(): JournalStats {
    const refusal = this.#refusals.current(this.#options.maxBytes - this.#backlog() - this.#asideBytes);
    return {
      bytes: this.#inAll(),
      maxBytes: this.#options.maxBytes,
      lastRow: this.#lastRow,
      backlogBytes: this.#backlog(),
      rejected: this.#rejected.count,
      unpublishable: this.#rejected.unpublishable,
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
    const found = this.#statements.last.get();
    return { rows: Number(found?.['rows']), held: Number(found?.['held']), atMs: Number(found?.['at_ms']) };
  }

  /** Bytes of the database that nothing uses: within them it does not grow. */
  get unusedBytes(): number {
    return PAGE_BYTES * Number(this.#statements.unusedPages.get()?.['freelist_count'] ?? 0);
  }

  /** Makes the WAL part of the database, and gives its room back to the disk. @returns whether that could be done */
  checkpoint(): boolean {
    try {
      return Number(this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] ?? 1) === 0;
    } catch {
      return false;
    }
  }

  /**
   * Gives back to the disk what nothing uses, where the disk has room for writing the rest once more.
   *
   * @param freeBytes of the disk
   * @returns whether it was done
   */
  shrink(freeBytes: number): boolean {
    const pages = Number(this.#database.prepare('PRAGMA page_count').get()?.['page_count'] ?? 0);
    const kept = PAGE_BYTES * pages - this.unusedBytes;
    if (kept * SHRINK_OVERHEAD + SPARE_BYTES > freeBytes) return false;
    try {
      this.#database.exec('PRAGMA temp_store = MEMORY');
      this.#database.exec('VACUUM');
      return this.checkpoint();
    } catch {
      return false;
    }
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
    this.checkpoint();
    this.#database.close();
  }

  #inAll(): number {
    return this.#bytes + this.#heldBytes + this.#asideBytes;
  }

  #backlog(): number {
    return this.#bytes - this.#settledBytes + this.#heldBytes;
  }

  /** Each change in turn; those that only append, one after the other, share a row where the bound allows it. */
  #applyAll(changes: readonly StoredChange[], nowMs: number): WriteResult[] {
    const results: WriteResult[] = [];
    let run: StoredChange[] = [];
    let runLength = 0;
    const endRun = (): void => {
      const shared =
        run.length > 1
          ? this.#applyOne(
              { append: run.map((one) => one.append).join('\n'), keys: run.flatMap(({ keys = [] }) => keys) },
              nowMs,
            )
          : undefined;
      if (shared?.ok === true) results.push(...run.map(() => shared));
      else for (const one of run) results.push(this.#applyOne(one, nowMs));
      run = [];
      runLength = 0;
    };
    for (const change of changes) {
      const length = onlyAppends(change) ? change.append.length : ROW_LENGTH;
      if (runLength + length > ROW_LENGTH) endRun();
      run.push(change);
      runLength += length;
    }
    endRun();
    return results;
  }

  #applyOne(change: StoredChange, nowMs: number): WriteResult {
    const { hold = [], count = [] } = change;
    const rows = rowsOf(change.append);
    const wanted = rows.reduce((sum, row) => sum + row.byteLength, 0) + newBytes(hold) + bytesOf(count);
    if (wanted > this.#options.maxBytes) return { ok: false, refusal: tooLarge(wanted, this.#options.maxBytes) };
    const kept = this.#backlog() + this.#asideBytes;
    if (wanted > 0 && kept + wanted - this.#freedBy(change) > this.#options.maxBytes) {
      return {
        ok: false,
        refusal: {
          code: 'journal_full',
          message: `The journal is full: ${kept} bytes wait to be published, JOURNAL_MAX_BYTES is ${this.#options.maxBytes}`,
        },
      };
    }
    let keys = textOf(change.keys);
    for (const row of rows) {
      this.#lastRow = Number(this.#statements.append.run(nowMs, row, row.byteLength, keys).lastInsertRowid);
      this.#bytes += row.byteLength;
      keys = null;
    }
    const heldIds = hold.map((held) => {
      this.#addHeld(held.reason, Buffer.byteLength(held.line));
      return Number(this.#statements.hold.run(held.reason, held.dueMs, held.attempts, held.line).lastInsertRowid);
    });
    for (const id of change.unhold ?? []) {
      const released = this.#statements.unhold.get(id);
      this.#addHeld(released?.['reason'], -Number(released?.['bytes'] ?? 0));
    }
    for (const { id, line } of count) {
      this.#statements.count.run(id, line);
      this.#asideBytes += Buffer.byteLength(line);
    }
    for (const id of change.uncount ?? []) this.#asideBytes -= Number(this.#statements.uncount.get(id)?.['bytes'] ?? 0);
    for (const one of change.holdEvents ?? []) this.#heldBytes += this.#heldEvents.hold(one);
    for (const id of change.releaseEvents ?? []) this.#heldBytes -= this.#heldEvents.release(id);
    if (change.followed !== undefined) this.#followedRow = change.followed;
    if (change.cursor !== undefined) {
      this.#cursor.move(change.cursor);
      this.#settleUpTo(change.cursor);
    }
    this.#heldBytes += this.#rejected.add(change.reject ?? []);
    this.#heldBytes -= this.#rejected.remove(change.unreject ?? []);
    return { ok: true, heldIds };
  }

  #addHeld(reason: unknown, bytes: number): void {
    if (reason === 'remembered') this.#asideBytes += bytes;
    else this.#heldBytes += bytes;
  }

  /** Bytes that the change itself lets go of: a waiting line that is published only moves. */
  #freedBy({ unhold = [], uncount = [] }: StoredChange): number {
    const bytesIn = (statement: StatementSync, ids: readonly number[]): number =>
      ids.reduce((sum, id) => sum + Number(statement.get(id)?.['bytes'] ?? 0), 0);
    return bytesIn(this.#statements.heldBytes, unhold) + bytesIn(this.#statements.countedBytes, uncount);
  }

  #settleUpTo(cursor: Cursor): void {
    const settledRow = this.#cursor.settledRow(cursor);
    if (settledRow <= this.#settledRow) return;
    this.#settledBytes += this.#cursor.bytesBetween(this.#settledRow, settledRow);
    this.#settledRow = settledRow;
  }

  /** Lets go of the oldest published rows while the journal is over its bound, or they are over their time. */
  #prune(nowMs: number, limit: number): void {
    const tooOld = nowMs - this.#options.retentionMs;
    const most = this.#options.maxBytes;
    this.#drop(limit, ({ row, atMs, droppedBytes }) => this.#inAll() - droppedBytes > most || (atMs < tooOld && row <= this.#followedRow)); // prettier-ignore
  }

  /**
   * Where the disk is full, history makes room for what is new: as much as that takes, with some to spare.
   *
   * @returns whether there was any to let go of
   */
  #makeRoom(changes: readonly StoredChange[], moreBytes = 0): boolean {
    const before = this.#counters();
    const wanted = changes.reduce(
      (sum, { append, count = [] }) => sum + Buffer.byteLength(append ?? '') + bytesOf(count),
      SPARE_BYTES + moreBytes,
    );
    const target = this.#bytes - wanted;
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      const dropped = this.#drop(MAKE_ROOM_ROWS, ({ droppedBytes }) => this.#bytes - droppedBytes > target);
      this.#saveTotals();
      this.#database.exec('COMMIT');
      return dropped;
    } catch {
      // The caller reports why nothing can be written.
      this.#restore(before);
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      return false;
    }
  }

  #drop(limit: number, isDue: Parameters<History['drop']>[2]): boolean {
    const bytes = this.#history.drop(this.#settledRow, limit, isDue) ?? 0;
    this.#bytes -= bytes;
    this.#settledBytes -= bytes;
    return bytes > 0;
  }

  #saveTotals(): void {
    this.#totals.save(
      {
        bytes: this.#bytes,
        heldBytes: this.#heldBytes,
        asideBytes: this.#asideBytes,
        settledBytes: this.#settledBytes,
        settledRow: this.#settledRow,
      },
      this.#lastRow,
    );
  }

  #counters(): readonly number[] {
    return [
      this.#bytes,
      this.#heldBytes,
      this.#asideBytes,
      this.#settledBytes,
      this.#settledRow,
      this.#lastRow,
      ...this.#rejected.counts,
    ];
  }

  #restore([bytes = 0, held = 0, aside = 0, settled = 0, row = 0, last = 0, ...rejected]: readonly number[]): void {
    this.#bytes = bytes;
    this.#heldBytes = held;
    this.#asideBytes = aside;
    this.#settledBytes = settled;
    this.#settledRow = row;
    this.#cursor.forget();
    this.#lastRow = last;
    this.#rejected.restore(rejected);
  }

  #number(sql: string): number {
    return Number(this.#database.prepare(sql).get()?.['n'] ?? 0);
  }
}

const tooLarge = (bytes: number, maxBytes: number): JournalRefusal => ({
  code: 'batch_too_large',
  message: `The batch takes ${bytes} bytes in the journal, JOURNAL_MAX_BYTES is ${maxBytes}: send fewer events at once`,
});

const textOf = (keys: readonly string[] = []): string | null => (keys.length === 0 ? null : keys.join('\n'));

function unavailable(error: unknown): JournalRefusal {
  if (isFull(error)) return DISK_FULL;
  return { code: 'journal_unavailable', message: `The journal cannot be written: ${errorText(error)}` };
}
