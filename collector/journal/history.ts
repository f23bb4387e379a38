import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Deletes the oldest rows of the journal, within its caller's transaction. */
export class History {
  readonly #oldest: StatementSync;
  readonly #prune: StatementSync;
  readonly #pruneSegments: StatementSync;
  /** The oldest row, if it was not due at the last check. At most changes, it still is not. */
  #oldestKept: { readonly row: number; readonly atMs: number } | undefined;

  constructor(database: DatabaseSync) {
    this.#oldest = database.prepare(
      'SELECT row, at_ms, length(lines) AS bytes FROM batch WHERE row <= ? ORDER BY row LIMIT ?',
    );
    this.#prune = database.prepare('DELETE FROM batch WHERE row <= ?');
    this.#pruneSegments = database.prepare('DELETE FROM segment WHERE last_row <= ?');
  }

  /**
   * Deletes the oldest rows that are due.
   *
   * @param settledRow the last row that may be deleted
   * @param isDue called row by row
   * @returns their bytes; undefined if none was due
   */
  drop(
    settledRow: number,
    limit: number,
    isDue: (row: { readonly row: number; readonly atMs: number; readonly droppedBytes: number }) => boolean,
  ): number | undefined {
    if (this.#oldestKept !== undefined && !isDue({ ...this.#oldestKept, droppedBytes: 0 })) return undefined;
    this.#oldestKept = undefined;
    let last = 0;
    let droppedBytes = 0;
    for (const found of this.#oldest.iterate(settledRow, limit)) {
      const row = Number(found['row']);
      const atMs = Number(found['at_ms']);
      if (!isDue({ row, atMs, droppedBytes })) {
        this.#oldestKept = { row, atMs };
        break;
      }
      last = row;
      droppedBytes += Number(found['bytes']);
    }
    if (last === 0) return undefined;
    this.#prune.run(last);
    this.#pruneSegments.run(last);
    return droppedBytes;
  }

  /** Called after a rollback, because the deleted rows exist again. */
  forget(): void {
    this.#oldestKept = undefined;
  }
}
