import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { UNPUBLISHABLE, type RejectedRecord } from './types.ts';

/**
 * The rejected store; part of its caller's transaction. It keeps a limited number of records of telemetry that stated an
 * event wrongly. Events that no broker takes were accepted, so they are never dropped, and count as unpublished.
 */
export class RejectedTable {
  readonly #max: number;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #trim: StatementSync;
  #wrong: number;
  #unpublishable: number;

  constructor(database: DatabaseSync, max: number) {
    const wrong = `FROM rejected WHERE code <> '${UNPUBLISHABLE}'`;
    this.#max = max;
    this.#insert = database.prepare(
      'INSERT INTO rejected (at_ms, code, message, origin, record, sender) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#delete = database.prepare('DELETE FROM rejected WHERE id = ? RETURNING code, octet_length(record) AS bytes');
    this.#trim = database.prepare(`DELETE ${wrong} AND id <= (SELECT id ${wrong} ORDER BY id DESC LIMIT 1 OFFSET ?)`);
    const counted = database.prepare(`SELECT (SELECT count(*) ${wrong}) AS wrong, count(*) AS n FROM rejected`).get();
    this.#wrong = Number(counted?.['wrong'] ?? 0);
    this.#unpublishable = Number(counted?.['n'] ?? 0) - this.#wrong;
  }

  get count(): number {
    return this.#wrong + this.#unpublishable;
  }

  /** How many of the records are events that no broker takes. */
  get unpublishable(): number {
    return this.#unpublishable;
  }

  get counts(): readonly number[] {
    return [this.#wrong, this.#unpublishable];
  }

  /** @param counts an earlier value of `counts` */
  restore([wrong = 0, unpublishable = 0]: readonly number[]): void {
    this.#wrong = wrong;
    this.#unpublishable = unpublishable;
  }

  /** @returns the bytes of the records that are events */
  add(records: readonly Omit<RejectedRecord, 'id'>[]): number {
    let bytes = 0;
    for (const { atMs, code, message, origin, record, sender = '' } of records) {
      this.#insert.run(atMs, code, message, origin, record, sender);
      if (code === UNPUBLISHABLE) {
        this.#unpublishable += 1;
        bytes += Buffer.byteLength(record);
      } else this.#wrong += 1;
    }
    if (this.#wrong > this.#max) this.#wrong -= Number(this.#trim.run(this.#max).changes);
    return bytes;
  }

  /** @returns the bytes of the records that were events */
  remove(ids: readonly number[]): number {
    let bytes = 0;
    for (const id of ids) {
      const found = this.#delete.get(id);
      if (found === undefined) continue;
      if (found['code'] === UNPUBLISHABLE) {
        this.#unpublishable -= 1;
        bytes += Number(found['bytes']);
      } else this.#wrong -= 1;
    }
    return bytes;
  }
}
