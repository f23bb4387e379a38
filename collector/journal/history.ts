import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The oldest rows of the journal, which go first; part of its caller's transaction. */
export class History {
  readonly #oldest: StatementSync;
  readonly #prune: StatementSync;
  readonly #pruneSegments: StatementSync;

  constructor(database: DatabaseSync) {
    this.#oldest = database.prepare(
      'SELECT row, at_ms, length(lines) AS bytes FROM batch WHERE row <= ? ORDER BY row LIMIT ?',
    );
    this.#prune = database.prepare('DELETE FROM batch WHERE row <= ?');
    this.#pruneSegments = database.prepare('DELETE FROM segment WHERE last_row <= ?');
  }

  /**
   * Lets go of the oldest rows, while they are due.
   *
   * @param settledRow the last that may go
   * @param isDue asked row by row
   * @returns their bytes; undefined where none was due
   */
  drop(
    settledRow: number,
    limit: number,
    isDue: (row: { readonly row: number; readonly atMs: number; readonly droppedBytes: number }) => boolean,
  ): number | undefined {
    let last = 0;
    let droppedBytes = 0;
    for (const found of this.#oldest.iterate(settledRow, limit)) {
      const row = Number(found['row']);
      if (!isDue({ row, atMs: Number(found['at_ms']), droppedBytes })) break;
      last = row;
      droppedBytes += Number(found['bytes']);
    }
    if (last === 0) return undefined;
    this.#prune.run(last);
    this.#pruneSegments.run(last);
    return droppedBytes;
  }
}
