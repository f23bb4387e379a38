import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { UNPUBLISHABLE, type Cursor } from './types.ts';

/** Sums over the journal, updated with each change, so that opening it does not read all of it. */
export interface Totals {
  readonly bytes: number;
  readonly heldBytes: number;
  readonly asideBytes: number;
  readonly settledBytes: number;
  readonly settledRow: number;
}

const TABLE = `
  CREATE TABLE IF NOT EXISTS totals (one INTEGER PRIMARY KEY CHECK (one = 1), bytes INTEGER NOT NULL, held_bytes INTEGER NOT NULL, aside_bytes INTEGER NOT NULL, settled_bytes INTEGER NOT NULL, settled_row INTEGER NOT NULL, last_row INTEGER NOT NULL, cursor_row INTEGER NOT NULL, cursor_line INTEGER NOT NULL);
`;
/** Reads the whole journal. Used only if the totals are missing or outdated. */
const SUMS = `
  SELECT (SELECT coalesce(sum(length(lines)), 0) FROM batch) AS bytes,
    (SELECT coalesce(sum(octet_length(line)), 0) FROM held WHERE reason <> 'remembered')
      + (SELECT coalesce(sum(octet_length(line)), 0) FROM held_event)
      + (SELECT coalesce(sum(octet_length(record)), 0) FROM rejected WHERE code = '${UNPUBLISHABLE}') AS held_bytes,
    (SELECT coalesce(sum(octet_length(line)), 0) FROM held WHERE reason = 'remembered')
      + (SELECT coalesce(sum(octet_length(line)), 0) FROM counted) AS aside_bytes
`;

export class TotalsTable {
  readonly #database: DatabaseSync;
  readonly #save: StatementSync;

  constructor(database: DatabaseSync) {
    database.exec(TABLE);
    this.#database = database;
    this.#save = database.prepare(
      'INSERT OR REPLACE INTO totals SELECT 1, ?, ?, ?, ?, ?, ?, row, line FROM cursor WHERE one = 1',
    );
  }

  /**
   * The totals of the last change. If another version has written since, they are computed anew, with nothing settled.
   */
  load(lastRow: number, cursor: Cursor): Totals {
    const found =
      this.#database
        .prepare('SELECT * FROM totals WHERE last_row = ? AND cursor_row = ? AND cursor_line = ?')
        .get(lastRow, cursor.row, cursor.index) ?? this.#database.prepare(SUMS).get();
    return {
      bytes: Number(found?.['bytes'] ?? 0),
      heldBytes: Number(found?.['held_bytes'] ?? 0),
      asideBytes: Number(found?.['aside_bytes'] ?? 0),
      settledBytes: Number(found?.['settled_bytes'] ?? 0),
      settledRow: Number(found?.['settled_row'] ?? 0),
    };
  }

  /** Called within the transaction of the change. */
  save({ bytes, heldBytes, asideBytes, settledBytes, settledRow }: Totals, lastRow: number): void {
    this.#save.run(bytes, heldBytes, asideBytes, settledBytes, settledRow, lastRow);
  }
}
