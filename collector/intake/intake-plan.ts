import type { JournalChange } from '../journal/journal.ts';

type NewHeld = NonNullable<JournalChange['hold']>[number];

/** What one submission decides: gathered, so that it can be written at once, or taken back. */
export class IntakePlan {
  readonly append: string[] = [];
  readonly hold: NewHeld[] = [];
  /** Keys that were added to the seen ids. */
  readonly marked: string[] = [];
  /** Keys of the strong observations in it, added by it or there already. */
  readonly strongKeys: string[] = [];
  /** Ids of the waiting entries that it adds, in the order of `hold`. */
  readonly heldEntryIds: string[] = [];
  /** Keys that no appended event brings back after a restart: the journal keeps them by themselves. */
  readonly remembered: string[] = [];
  /** Ids of the waiting entries whose place it takes. */
  readonly released: string[] = [];
  /** Writes of others that must be on disk before it is acknowledged. */
  readonly dependsOn = new Set<Promise<unknown>>();
  readonly #undo: (() => void)[] = [];

  onUndo(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** The latest first. */
  undo(): void {
    for (const undo of this.#undo.toReversed()) undo();
  }
}
