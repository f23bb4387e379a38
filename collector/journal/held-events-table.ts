import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { HeldEvent } from './types.ts';

/** The table of events that no queue took; part of its caller's transaction. */
export class HeldEventsTable {
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO held_event (reason, type, since_ms, line) VALUES (?, ?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM held_event WHERE id = ? RETURNING octet_length(line) AS bytes');
  }

  /** @returns the bytes of its line */
  hold({ reason, type, sinceMs, line }: Omit<HeldEvent, 'id'>): number {
    this.#insert.run(reason, type, sinceMs, line);
    return Buffer.byteLength(line);
  }

  /** @returns the bytes of its line; 0 if it does not exist */
  release(id: number): number {
    return Number(this.#delete.get(id)?.['bytes'] ?? 0);
  }
}
