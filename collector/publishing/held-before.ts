import type { Journal } from '../journal/journal.ts';

/** More than may be settled beyond the cursor: the publisher's window, and events set aside while one was unanswered. */
const LATEST = 5000;

/**
 * Events that the previous process held while an earlier event was still unanswered when it ended. They are after the
 * cursor, but they wait among the held events.
 */
export class HeldBefore {
  readonly #lines: Set<string>;
  /** The journal's last row when the process began. */
  readonly #lastRow: number;

  constructor(journal: Pick<Journal, 'latestHeldLines' | 'stats'>) {
    this.#lines = new Set(journal.latestHeldLines(LATEST));
    this.#lastRow = this.#lines.size === 0 ? 0 : journal.stats().lastRow;
  }

  /** Whether the event at this place of the journal is held already. Call it in order, once for each event. */
  has(row: number, line: string): boolean {
    if (this.#lines.size === 0) return false;
    if (row > this.#lastRow) this.#lines.clear();
    return this.#lines.delete(line);
  }
}
