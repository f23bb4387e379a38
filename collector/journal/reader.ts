import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { JOURNAL_FILE, openForReading } from './schema.ts';
import type { CountedRow, Cursor, HeldLine, JournalRow, RejectedRecord } from './types.ts';

export interface ScanOptions {
  readonly direction: 'asc' | 'desc';
  /** Start after this row (asc) or before it (desc). */
  readonly fromRow?: number;
  /** Only rows journaled at or after this time. */
  readonly sinceMs?: number;
}

/** What a scan holds at once: so many rows, or fewer where they are large. */
const SCAN_ROWS = 50;
const SCAN_BYTES = 1024 * 1024;
const decoder = new TextDecoder();

/** Reads the journal beside its writer. */
export class JournalReader {
  readonly #database: DatabaseSync;
  readonly #after: StatementSync;
  readonly #pages: { readonly asc: StatementSync; readonly desc: StatementSync };
  readonly #due: StatementSync;
  readonly #rejected: StatementSync;

  constructor(dir: string) {
    this.#database = openForReading(join(dir, JOURNAL_FILE));
    this.#after = this.#database.prepare('SELECT row, at_ms, lines, bytes FROM batch WHERE row > ? ORDER BY row');
    const page = 'SELECT row, at_ms, lines FROM batch WHERE at_ms >= ? AND row';
    this.#pages = {
      asc: this.#database.prepare(`${page} > ? ORDER BY row LIMIT ${SCAN_ROWS}`),
      desc: this.#database.prepare(`${page} < ? ORDER BY row DESC LIMIT ${SCAN_ROWS}`),
    };
    this.#due = this.#database.prepare('SELECT * FROM held WHERE reason = ? AND due_ms <= ? ORDER BY id LIMIT ?');
    this.#rejected = this.#database.prepare('SELECT * FROM rejected WHERE id > ? ORDER BY id LIMIT ?');
  }

  /** Rows after this one, in order, up to that many bytes and at least one where there is any. */
  read(afterRow: number, maxBytes: number): readonly JournalRow[] {
    const rows: JournalRow[] = [];
    let bytes = 0;
    for (const found of this.#after.iterate(afterRow)) {
      rows.push(toRow(found));
      bytes += Number(found['bytes']);
      if (bytes >= maxBytes) break;
    }
    return rows;
  }

  /** All rows of the history, a page at a time; the writer may go on meanwhile. */
  *scan({ direction, fromRow, sinceMs = 0 }: ScanOptions): Generator<JournalRow> {
    let from = fromRow ?? (direction === 'asc' ? 0 : Number.MAX_SAFE_INTEGER);
    for (;;) {
      const page: JournalRow[] = [];
      let bytes = 0;
      for (const found of this.#pages[direction].iterate(sinceMs, from)) {
        page.push(toRow(found));
        bytes += found['lines'] instanceof Uint8Array ? found['lines'].byteLength : 0;
        if (bytes >= SCAN_BYTES) break;
      }
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      from = last.row;
    }
  }

  /** Held lines of that reason whose time has come, in the order in which they were held. */
  heldDue(reason: HeldLine['reason'], nowMs: number, limit: number): readonly HeldLine[] {
    return this.#due.all(reason, nowMs, limit).map((found) => ({
      id: Number(found['id']),
      line: String(found['line']),
      dueMs: Number(found['due_ms']),
      reason,
      attempts: Number(found['attempts']),
    }));
  }

  /** What is counted in open windows, in the order in which it was written. */
  counted(): readonly CountedRow[] {
    return this.#database
      .prepare('SELECT id, line FROM counted ORDER BY id')
      .all()
      .map((found) => ({ id: Number(found['id']), line: String(found['line']) }));
  }

  rejected({ limit = 100, afterId = 0 }: { limit?: number; afterId?: number } = {}): readonly RejectedRecord[] {
    return this.#rejected.all(afterId, limit).map((found) => ({
      id: Number(found['id']),
      atMs: Number(found['at_ms']),
      code: String(found['code']),
      message: String(found['message']),
      origin: String(found['origin']),
      record: String(found['record']),
    }));
  }

  cursor(): Cursor {
    const found = this.#database.prepare('SELECT row, line FROM cursor').get();
    return { row: Number(found?.['row'] ?? 0), index: Number(found?.['line'] ?? 0) };
  }

  lastRow(): number {
    return Number(this.#database.prepare('SELECT max(row) AS last FROM batch').get()?.['last'] ?? 0);
  }

  close(): void {
    this.#database.close();
  }
}

function toRow(found: Record<string, unknown>): JournalRow {
  const blob = found['lines'];
  const text = blob instanceof Uint8Array ? decoder.decode(blob) : '';
  return { row: Number(found['row']), atMs: Number(found['at_ms']), lines: text.split('\n') };
}
