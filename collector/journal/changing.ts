import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CursorTable } from './cursor-table.ts';
import { HeldEventsTable } from './held-events-table.ts';
import { History } from './history.ts';
import { RejectedTable } from './rejected-table.ts';
import { bytesOf, newBytes, onlyAppends, ROW_LENGTH, rowsOf, type StoredChange } from './stored-change.ts';
import { TotalsTable } from './totals.ts';
import type { Cursor, JournalRefusal } from './types.ts';

export type WriteResult =
  | { readonly ok: true; readonly heldIds: readonly number[] }
  | { readonly ok: false; readonly refusal: JournalRefusal };

const LAST = `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'batch'), 0) AS rows, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'held'), 0) AS held, coalesce((SELECT at_ms FROM batch ORDER BY row DESC LIMIT 1), 0) AS at_ms`;

interface ChangingOptions {
  readonly maxBytes: number;
  readonly rejectedMax: number;
}

/** Applies changes to the journal's tables and totals, within its caller's transaction. */
export class Changing {
  readonly #maxBytes: number;
  readonly #statements: Record<
    'append' | 'hold' | 'unhold' | 'count' | 'uncount' | 'countedBytes' | 'heldBytes',
    StatementSync
  >;
  readonly #totals: TotalsTable;
  readonly #heldEvents: HeldEventsTable;
  readonly #rejected: RejectedTable;
  readonly #cursor: CursorTable;
  readonly #history: History;
  #bytes: number;
  #heldBytes: number;
  /** Bytes that are not events: lines in open windows, and remembered keys. */
  #asideBytes: number;
  #settledBytes: number;
  /** Rows up to this one are completely settled. */
  #settledRow: number;
  #lastRow: number;
  /** The highest numbers that a row and a held line ever had, and when the last row was written. */
  #rowsEver: number;
  #heldEver: number;
  #lastMs: number;

  constructor(database: DatabaseSync, { maxBytes, rejectedMax }: ChangingOptions) {
    this.#maxBytes = maxBytes;
    this.#heldEvents = new HeldEventsTable(database);
    this.#rejected = new RejectedTable(database, rejectedMax);
    this.#statements = {
      append: database.prepare('INSERT INTO batch (at_ms, lines, bytes, keys) VALUES (?, ?, ?, ?)'),
      hold: database.prepare('INSERT INTO held (reason, due_ms, attempts, line) VALUES (?, ?, ?, ?)'),
      unhold: database.prepare('DELETE FROM held WHERE id = ? RETURNING reason, octet_length(line) AS bytes'),
      count: database.prepare('INSERT INTO counted (id, line) VALUES (?, ?)'),
      uncount: database.prepare('DELETE FROM counted WHERE id = ? RETURNING octet_length(line) AS bytes'),
      countedBytes: database.prepare('SELECT octet_length(line) AS bytes FROM counted WHERE id = ?'),
      heldBytes: database.prepare('SELECT octet_length(line) AS bytes FROM held WHERE id = ?'),
    };
    this.#cursor = new CursorTable(database);
    this.#history = new History(database);
    this.#lastRow = Number(database.prepare('SELECT coalesce(max(row), 0) AS n FROM batch').get()?.['n'] ?? 0);
    const last = database.prepare(LAST).get();
    this.#rowsEver = Number(last?.['rows']);
    this.#heldEver = Number(last?.['held']);
    this.#lastMs = Number(last?.['at_ms']);
    this.#totals = new TotalsTable(database);
    const totals = this.#totals.load(this.#lastRow, this.#cursor.found);
    this.#bytes = totals.bytes;
    this.#heldBytes = totals.heldBytes;
    this.#asideBytes = totals.asideBytes;
    this.#settledBytes = totals.settledBytes;
    this.#settledRow = totals.settledRow;
    this.#settleUpTo(this.#cursor.found);
  }

  get lastRow(): number {
    return this.#lastRow;
  }

  get last(): { readonly rows: number; readonly held: number; readonly atMs: number } {
    return { rows: this.#rowsEver, held: this.#heldEver, atMs: this.#lastMs };
  }

  get bytesInAll(): number {
    return this.#bytes + this.#heldBytes + this.#asideBytes;
  }

  /** Bytes of unpublished events. */
  get backlogBytes(): number {
    return this.#bytes - this.#settledBytes + this.#heldBytes;
  }

  /** How many more bytes may wait. */
  get roomBytes(): number {
    return this.#maxBytes - this.backlogBytes - this.#asideBytes;
  }

  get rejected(): Pick<RejectedTable, 'count' | 'unpublishable'> {
    return this.#rejected;
  }

  /** Applies each change in turn. Consecutive changes that only append share a row, within a size limit. */
  applyAll(changes: readonly StoredChange[], nowMs: number): WriteResult[] {
    const results: WriteResult[] = [];
    let run: StoredChange[] = [];
    let runLength = 0;
    const endRun = (): void => {
      const shared =
        run.length > 1
          ? this.#apply(
              { append: run.map((one) => one.append).join('\n'), keys: run.flatMap(({ keys = [] }) => keys) },
              nowMs,
            )
          : undefined;
      if (shared?.ok === true) results.push(...run.map(() => shared));
      else for (const one of run) results.push(this.#apply(one, nowMs));
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

  /** Deletes the oldest settled rows that are due. @returns whether there were any */
  dropHistory(limit: number, isDue: Parameters<History['drop']>[2]): boolean {
    const bytes = this.#history.drop(this.#settledRow, limit, isDue) ?? 0;
    this.#bytes -= bytes;
    this.#settledBytes -= bytes;
    return bytes > 0;
  }

  /** Called before the transaction ends. */
  saveTotals(): void {
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

  /** State for `restore`, should the transaction be rolled back. */
  get counters(): readonly number[] {
    return [
      this.#bytes,
      this.#heldBytes,
      this.#asideBytes,
      this.#settledBytes,
      this.#settledRow,
      this.#lastRow,
      this.#rowsEver,
      this.#heldEver,
      this.#lastMs,
      ...this.#rejected.counts,
    ];
  }

  restore(counters: readonly number[]): void {
    const [bytes = 0, held = 0, aside = 0, settled = 0, row = 0, last = 0, rowsEver = 0, heldEver = 0, lastMs = 0, ...rejected] = counters; // prettier-ignore
    this.#bytes = bytes;
    this.#heldBytes = held;
    this.#asideBytes = aside;
    this.#settledBytes = settled;
    this.#settledRow = row;
    this.#cursor.forget();
    this.#history.forget();
    this.#lastRow = last;
    this.#rowsEver = rowsEver;
    this.#heldEver = heldEver;
    this.#lastMs = lastMs;
    this.#rejected.restore(rejected);
  }

  #apply(change: StoredChange, nowMs: number): WriteResult {
    const { hold = [], count = [] } = change;
    const rows = rowsOf(change.append);
    const wanted = rows.reduce((sum, row) => sum + row.byteLength, 0) + newBytes(hold) + bytesOf(count);
    if (wanted > this.#maxBytes) return { ok: false, refusal: tooLarge(wanted, this.#maxBytes) };
    if (wanted > 0 && wanted - this.#freedBy(change) > this.roomBytes)
      return { ok: false, refusal: full(this.#maxBytes - this.roomBytes, this.#maxBytes) };
    let keys = textOf(change.keys);
    for (const row of rows) {
      this.#lastRow = Number(this.#statements.append.run(nowMs, row, row.byteLength, keys).lastInsertRowid);
      this.#rowsEver = this.#lastRow;
      this.#lastMs = nowMs;
      this.#bytes += row.byteLength;
      keys = null;
    }
    const heldIds = hold.map((held) => {
      this.#addHeld(held.reason, Buffer.byteLength(held.line));
      const { lastInsertRowid } = this.#statements.hold.run(held.reason, held.dueMs, held.attempts, held.line);
      this.#heldEver = Number(lastInsertRowid);
      return this.#heldEver;
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

  /** Bytes that the change itself frees: a waiting line that is published only moves. */
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
}

const tooLarge = (bytes: number, maxBytes: number): JournalRefusal => ({
  code: 'batch_too_large',
  message: `The batch takes ${bytes} bytes in the journal, JOURNAL_MAX_BYTES is ${maxBytes}: send fewer events at once`,
});

const full = (kept: number, maxBytes: number): JournalRefusal => ({
  code: 'journal_full',
  message: `The journal is full: ${kept} bytes wait to be published, JOURNAL_MAX_BYTES is ${maxBytes}`,
});

const textOf = (keys: readonly string[] = []): string | null => (keys.length === 0 ? null : keys.join('\n'));
