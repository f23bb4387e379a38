import type { Journal } from '../journal/journal.ts';

/** More than may be settled beyond the cursor: a window of the publisher, and what was put aside while one was not answered. */
const LATEST = 5000;

/**
 * Events that were held while one before them was not answered yet, as the process before ended: the cursor is before them,
 * and they wait where they are held.
 */
export class HeldBefore {
  readonly #lines: Set<string>;
  /** Of the journal, as the process began. */
  readonly #lastRow: number;

  constructor(journal: Pick<Journal, 'latestHeldLines' | 'stats'>) {
    this.#lines = new Set(journal.latestHeldLines(LATEST));
    this.#lastRow = this.#lines.size === 0 ? 0 : journal.stats().lastRow;
  }

  /** Whether the event at this place of the journal is held already; asked in order, once of each. */
  has(row: number, line: string): boolean {
    if (this.#lines.size === 0) return false;
    if (row > this.#lastRow) this.#lines.clear();
    return this.#lines.delete(line);
  }
}
