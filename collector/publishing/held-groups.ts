import { HELD_REASONS, type HeldEvent, type HeldGroup, type HeldReason, type Journal } from '../journal/journal.ts';

/** How many events are held, and since when the oldest has been held. */
export type HeldState = Readonly<
  Record<HeldReason, { readonly events: number; readonly oldestMs: number | undefined }>
>;

interface Pause {
  readonly failures: number;
  readonly dueMs: number;
  /** Whether it was shortened since the last attempt. */
  readonly isShort: boolean;
  /** Failed attempts after shortened pauses, since the last success. */
  readonly shortFailures: number;
}

/** Held events by reason and type, and when each group is tried again. All unroutable types are tried together. */
export class HeldGroups {
  readonly #journal: Pick<Journal, 'heldGroups'>;
  readonly #groups = new Map<string, HeldGroup>();
  readonly #pauses = new Map<string, Pause>();

  constructor(journal: Pick<Journal, 'heldGroups'>) {
    this.#journal = journal;
    this.reload();
  }

  get state(): HeldState {
    const state = Object.fromEntries(
      HELD_REASONS.map((reason) => {
        const groups = this.#of(reason);
        const events = groups.reduce((sum, group) => sum + group.events, 0);
        const oldestMs = groups.length === 0 ? undefined : Math.min(...groups.map(({ oldest }) => oldest.sinceMs));
        return [reason, { events, oldestMs }];
      }),
    );
    return state as HeldState;
  }

  reload(): void {
    this.#groups.clear();
    for (const group of this.#journal.heldGroups()) this.#groups.set(groupKey(group.reason, group.type), group);
    const left = new Set([...this.#groups.values()].map(({ reason, type }) => pauseKey(reason, type)));
    for (const key of this.#pauses.keys()) if (!left.has(key)) this.#pauses.delete(key);
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  /** @returns the groups that begin with these events */
  added(events: readonly Omit<HeldEvent, 'id'>[]): readonly Pick<HeldGroup, 'reason' | 'type'>[] {
    const begun = new Map<string, Pick<HeldGroup, 'reason' | 'type'>>();
    for (const { reason, type } of events) {
      const key = groupKey(reason, type);
      const group = this.#groups.get(key);
      if (group === undefined) begun.set(key, { reason, type });
      else this.#groups.set(key, { ...group, events: group.events + 1 });
    }
    if (begun.size > 0) this.reload();
    return [...begun.values()];
  }

  /** The oldest event of each type, in the order in which they were held. */
  oldest(reason: HeldReason): readonly HeldEvent[] {
    return this.#of(reason)
      .map(({ oldest }) => oldest)
      .toSorted((a, b) => a.id - b.id);
  }

  dueTypes(reason: HeldReason, nowMs: number): readonly string[] {
    return this.#of(reason)
      .filter(({ type }) => (this.#pauses.get(pauseKey(reason, type))?.dueMs ?? 0) <= nowMs)
      .map(({ type }) => type);
  }

  /** @param dueMs when the group is tried again after this many failures in a row */
  pause(reason: HeldReason, type: string, hasHelped: boolean, dueMs: (failures: number) => number): void {
    const key = pauseKey(reason, type);
    const before = this.#pauses.get(key);
    const failures = hasHelped ? 1 : (before?.failures ?? 0) + 1;
    const shortFailures = hasHelped ? 0 : (before?.shortFailures ?? 0) + (before?.isShort === true ? 1 : 0);
    this.#pauses.set(key, { failures, dueMs: dueMs(failures), isShort: false, shortFailures });
  }

  /** @param dueMs when the group is tried again at the latest; called with the number of short pauses in a row */
  shorten(reason: HeldReason, type: string, dueMs: (shortPauses: number) => number): void {
    const key = pauseKey(reason, type);
    const pause = this.#pauses.get(key);
    if (pause === undefined || pause.isShort) return;
    const shortened = Math.min(pause.dueMs, dueMs(pause.shortFailures + 1));
    this.#pauses.set(key, { ...pause, dueMs: shortened, isShort: true });
  }

  /** A queue took an event of this type. */
  hurry(type: string): void {
    if (this.#groups.has(groupKey('unroutable', type))) this.#pauses.delete(pauseKey('unroutable', type));
  }

  hurryAll(): void {
    this.#pauses.clear();
  }

  #of(wanted: HeldReason): readonly HeldGroup[] {
    return [...this.#groups.values()].filter(({ reason }) => reason === wanted);
  }
}

const groupKey = (reason: HeldReason, type: string): string => `${reason} ${type}`;
const pauseKey = (reason: HeldReason, type: string): string =>
  reason === 'unroutable' ? reason : groupKey(reason, type);
