import type { JournalRefusal } from './types.ts';

/** Room that an operator must free if nothing else helps: enough to move the WAL into the database. */
export const ROOM_TO_FREE = '16 MiB';

/** The disk of DATA_DIR is full. */
export const DISK_FULL: JournalRefusal = {
  code: 'journal_unavailable',
  message:
    'The disk of DATA_DIR is full: waiting events are still published, but no new ones are accepted until there is room',
};

/** The disk has no room even for recording what was published. */
export const NO_ROOM_AT_ALL: JournalRefusal = {
  code: 'journal_unavailable',
  message: `The disk of DATA_DIR is full, and the collector cannot record what it published: free ${ROOM_TO_FREE} on it. Nothing accepted is lost; until then a restart publishes it again`,
};

/** DATA_DIR was removed or replaced. */
export const GONE: JournalRefusal = {
  code: 'journal_unavailable',
  message:
    'The journal is no longer in DATA_DIR: somebody removed or replaced it. Anything written now would be lost; restart the collector',
};

/** Why new events are currently refused: from the last refusal until some are accepted, or would be. */
export class Refusals {
  #last: { readonly refusal: JournalRefusal; readonly bytes: number } | undefined;

  taken(bringsNew: boolean): void {
    // Any successful write shows that the disk is writable.
    if (bringsNew || this.#last?.refusal.code === 'journal_unavailable') this.#last = undefined;
  }

  /** @param bytes size of the new events that were refused together */
  refused(bytes: number, refusal: JournalRefusal): void {
    this.#last = { refusal, bytes };
  }

  /** The last refusal, if the disk is the reason. */
  get byDisk(): { readonly refusal: JournalRefusal; readonly bytes: number } | undefined {
    return this.#last?.refusal.code === 'journal_unavailable' ? this.#last : undefined;
  }

  /** @param roomBytes the room that the journal's limit leaves */
  current(roomBytes: number): JournalRefusal | undefined {
    if (this.#last === undefined) return undefined;
    const { refusal, bytes } = this.#last;
    return refusal.code === 'journal_full' && bytes <= roomBytes ? undefined : refusal;
  }
}
