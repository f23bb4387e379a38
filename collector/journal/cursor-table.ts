import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Cursor } from './types.ts';

const NEWLINE = 10;

/** How far the journal was published, and which rows are therefore settled; part of its caller's transaction. */
export class CursorTable {
  readonly #move: StatementSync;
  readonly #linesOf: StatementSync;
  readonly #bytesBetween: StatementSync;
  /** The cursor at the start. */
  readonly found: Cursor;
  /** How many lines the cursor's current row has. */
  #lines = { row: 0, count: 0 };

  constructor(database: DatabaseSync) {
    this.#move = database.prepare('UPDATE cursor SET row = ?, line = ?');
    this.#linesOf = database.prepare('SELECT lines FROM batch WHERE row = ?');
    this.#bytesBetween = database.prepare(
      'SELECT coalesce(sum(length(lines)), 0) AS bytes FROM batch WHERE row > ? AND row <= ?',
    );
    const found = database.prepare('SELECT row, line FROM cursor').get();
    this.found = { row: Number(found?.['row'] ?? 0), index: Number(found?.['line'] ?? 0) };
  }

  move(cursor: Cursor): void {
    this.#move.run(cursor.row, cursor.index);
  }

  /** The last row that is completely settled. */
  settledRow({ row, index }: Cursor): number {
    return index > 0 && index >= this.#lineCount(row) ? row : row - 1;
  }

  /** Bytes of the rows after the first one, up to and including the second. */
  bytesBetween(after: number, to: number): number {
    return Number(this.#bytesBetween.get(after, to)?.['bytes'] ?? 0);
  }

  /** Called after a rollback, because the row's number may be given to another row. */
  forget(): void {
    this.#lines = { row: 0, count: 0 };
  }

  #lineCount(row: number): number {
    if (this.#lines.row !== row) {
      const lines = this.#linesOf.get(row)?.['lines'];
      this.#lines = { row, count: lines instanceof Uint8Array ? countLines(lines) : 0 };
    }
    return this.#lines.count;
  }
}

function countLines(lines: Uint8Array): number {
  let count = 1;
  for (let at = lines.indexOf(NEWLINE); at !== -1; at = lines.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
