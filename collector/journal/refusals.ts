import type { JournalRefusal } from './types.ts';

/** Why new events are turned away at present: from the last refusal until some are taken, or would be. */
export class Refusals {
  #last: { readonly refusal: JournalRefusal; readonly bytes: number } | undefined;

  taken(bringsNew: boolean): void {
    // Whatever the disk takes again says that it can be written.
    if (bringsNew || this.#last?.refusal.code === 'journal_unavailable') this.#last = undefined;
  }

  /** @param bytes of the new events that were refused together */
  refused(bytes: number, refusal: JournalRefusal): void {
    this.#last = { refusal, bytes };
  }

  /** @param roomBytes how much the journal's bound has left */
  current(roomBytes: number): JournalRefusal | undefined {
    if (this.#last === undefined) return undefined;
    const { refusal, bytes } = this.#last;
    return refusal.code === 'journal_full' && bytes <= roomBytes ? undefined : refusal;
  }
}
