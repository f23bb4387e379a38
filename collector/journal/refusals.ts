import type { JournalError } from './types.ts';

/** Why new events are turned away at present: from the last refusal until some are taken, or would be. */
export class Refusals {
  #last: { readonly error: JournalError; readonly bytes: number } | undefined;

  taken(bringsNew: boolean): void {
    // Whatever the disk takes again says that it can be written.
    if (bringsNew || this.#last?.error.code === 'journal_unavailable') this.#last = undefined;
  }

  /** @param bytes of the new events that were refused together */
  refused(bytes: number, error: JournalError): void {
    this.#last = { error, bytes };
  }

  /** @param roomBytes how much the journal's bound has left */
  current(roomBytes: number): JournalError | undefined {
    if (this.#last === undefined) return undefined;
    const { error, bytes } = this.#last;
    return error.code === 'journal_full' && bytes <= roomBytes ? undefined : error;
  }
}
