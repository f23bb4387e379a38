import type { JournalRefusal } from './types.ts';

/** What an operator is asked for where nothing helps: the WAL becomes part of the database within it. */
export const ROOM_TO_FREE = '16 MiB';

/** The disk of DATA_DIR has no room. */
export const DISK_FULL: JournalRefusal = {
  code: 'journal_unavailable',
  message:
    'The disk of DATA_DIR is full: waiting events are still published, but no new ones are accepted until there is room',
};

/** Nor for writing down what was published. */
export const NO_ROOM_AT_ALL: JournalRefusal = {
  code: 'journal_unavailable',
  message: `The disk of DATA_DIR is full, and the collector cannot record what it published: free ${ROOM_TO_FREE} on it. Nothing accepted is lost; until then a restart publishes it again`,
};

/** DATA_DIR was removed, or another is in its place. */
export const GONE: JournalRefusal = {
  code: 'journal_unavailable',
  message:
    'The journal is no longer in DATA_DIR: somebody removed or replaced it. Anything written now would be lost; restart the collector',
};

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

  /** The last refusal, where the disk is the reason. */
  get byDisk(): { readonly refusal: JournalRefusal; readonly bytes: number } | undefined {
    return this.#last?.refusal.code === 'journal_unavailable' ? this.#last : undefined;
  }

  /** @param roomBytes how much the journal's bound has left */
  current(roomBytes: number): JournalRefusal | undefined {
    if (this.#last === undefined) return undefined;
    const { refusal, bytes } = this.#last;
    return refusal.code === 'journal_full' && bytes <= roomBytes ? undefined : refusal;
  }
}
