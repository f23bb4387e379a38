import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { JournalChange } from '../journal/journal.ts';

type NewHeld = NonNullable<JournalChange['hold']>[number];

/** What one submission decides: gathered, so that it can be written at once, or taken back. */
export class IntakePlan {
  readonly append: string[] = [];
  readonly hold: NewHeld[] = [];
  /** Keys that the appended events bring back after a restart, beside those in their lines. */
  readonly keys: string[] = [];
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
  /** Keys that the journal keeps until a time of their own. */
  readonly rememberedUntil: { readonly line: string; readonly dueMs: number }[] = [];
  /** Events that others were added to and that it changes, by their ids: the row of each, if it had one. */
  readonly gathered = new Map<string, { readonly key: string; readonly heldId: number | undefined }>();
  /** Of these, those that it publishes. */
  readonly published: FlatBody[] = [];
  readonly #undo: (() => void)[] = [];

  /** Ids and keys that are on disk once the plan is. */
  *writtenKeys(): Generator<string, void, void> {
    yield* this.marked;
    yield* this.heldEntryIds;
  }

  /** Whether nothing but events and their keys is new, as in most plans. */
  get onlyAppends(): boolean {
    const others = this.hold.length + this.released.length + this.remembered.length + this.rememberedUntil.length;
    return others + this.gathered.size === 0;
  }

  onUndo(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** The latest first. */
  undo(): void {
    for (const undo of this.#undo.toReversed()) undo();
  }
}
