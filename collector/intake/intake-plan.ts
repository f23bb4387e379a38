import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { JournalChange } from '../journal/journal.ts';

type NewHeld = NonNullable<JournalChange['hold']>[number];

/** The decisions on one submission, collected so that they can be written together or undone. */
export class IntakePlan {
  readonly append: string[] = [];
  readonly hold: NewHeld[] = [];
  /** Keys that the appended events restore after a restart, besides those in their lines. */
  readonly keys: string[] = [];
  /** Keys that were added to the seen ids. */
  readonly marked: string[] = [];
  /** Keys of the submission's strong observations, new or known. */
  readonly strongKeys: string[] = [];
  /** Ids of the new waiting entries, in the order of `hold`. */
  readonly heldEntryIds: string[] = [];
  /** Keys that no appended event restores after a restart. The journal keeps them separately. */
  readonly remembered: string[] = [];
  /** Ids of the waiting entries that the submission replaces. */
  readonly released: string[] = [];
  /** Other writes that must be on disk before the submission is acknowledged. */
  readonly dependsOn = new Set<Promise<unknown>>();
  /** Keys that the journal keeps until a time of their own. */
  readonly rememberedUntil: { readonly line: string; readonly dueMs: number }[] = [];
  /** Held events that the plan changes, by id, each with its row before the plan, if any. */
  readonly gathered = new Map<string, { readonly key: string; readonly heldId: number | undefined }>();
  /** Held events that the plan publishes. */
  readonly published: FlatBody[] = [];
  readonly #undo: (() => void)[] = [];

  /** Ids and keys that are on disk once the plan is written. */
  *writtenKeys(): Generator<string, void, void> {
    yield* this.marked;
    yield* this.heldEntryIds;
  }

  /** Whether the plan only appends events and their keys, as most plans do. */
  get onlyAppends(): boolean {
    const others = this.hold.length + this.released.length + this.remembered.length + this.rememberedUntil.length;
    return others + this.gathered.size === 0;
  }

  onUndo(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Undoes the latest change first. */
  undo(): void {
    for (const undo of this.#undo.toReversed()) undo();
  }
}
