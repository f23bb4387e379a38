import type { Cursor } from '../journal/journal.ts';

/** An event that was read from the journal and passed to the publisher. */
export interface Flight {
  readonly row: number;
  /** Lines of the row up to and including this one. */
  readonly index: number;
  settled: boolean;
}

/** More settled flights than this are removed from the list together, because each removal moves all the others. */
const SETTLED_KEPT = 4096;

/** Events in flight, in the order of the journal. The cursor is after the last event up to which all are settled. */
export class Flights {
  readonly #flights: Flight[] = [];
  #head = 0;
  #cursor: Cursor;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  get cursor(): Cursor {
    return this.#cursor;
  }

  /** Flights that are not settled yet, and settled ones after them. */
  get count(): number {
    return this.#flights.length - this.#head;
  }

  begin(flight: Flight): void {
    this.#flights.push(flight);
  }

  settle(flight: Flight): void {
    flight.settled = true;
    let head = this.#flights[this.#head];
    while (head?.settled === true) {
      this.#cursor = { row: head.row, index: head.index };
      this.#head += 1;
      head = this.#flights[this.#head];
    }
    if (this.#head <= SETTLED_KEPT) return;
    this.#flights.splice(0, this.#head);
    this.#head = 0;
  }

  /** The cursor once these are settled too. */
  cursorAfter(flights: readonly Flight[]): Cursor {
    const wanted = new Set(flights);
    let cursor = this.#cursor;
    for (let at = this.#head; at < this.#flights.length; at += 1) {
      const flight = this.#flights[at];
      if (flight === undefined || !(flight.settled || wanted.has(flight))) break;
      cursor = { row: flight.row, index: flight.index };
    }
    return cursor;
  }
}
