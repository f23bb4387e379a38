import { eventTraits, type EventType } from '../../taxonomy/event-types.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { filledByWeaker, type Folding, type Gathered } from '../../taxonomy/folding/folding.ts';
import { PIECES_WITHIN_MS } from '../../taxonomy/folding/pieces.ts';
import type { Candidate, Collapse, Denial } from '../../taxonomy/map/candidate.ts';
import type { HeldLine } from '../journal/journal.ts';
import type { Sliced } from '../slices.ts';
import { CollapseWindow, isOfPage } from './collapse-window.ts';
import {
  createdOf,
  eventOf,
  lastOf,
  gatheringOf,
  Gatherings,
  idOfGathering,
  lineOfGathering,
  typeOf,
  type Gathering,
} from './gatherings.ts';
import { keyOfId, lineOfKey } from './intake-keys.ts';
import type { IntakePlan } from './intake-plan.ts';

/** Most events held at once. If there are more, the oldest are published early. */
const HELD_MAX = 10_000;
/** How many of the oldest are examined per new event. Those with a write in progress stay. */
const LOOKS = 4;
/** Prefix of the line by which the journal remembers the pieces of a published download. */
const PIECES = 'pieces:';

/** How long events of a type are held after their latest observation. */
export type QuietMs = { readonly [type in EventType]?: number };

type Observed = Pick<Candidate, 'body' | 'collapse'>;

/**
 * Folds several observations into one event: decides which observation begins an event, which adds to a held one, and which
 * belongs to one that was published.
 */
export class EventFolder {
  readonly #window = new CollapseWindow();
  readonly #gatherings = new Gatherings();
  readonly #isWritten: (key: string) => boolean;
  readonly #quietMs: QuietMs;

  /**
   * @param isWritten whether a write of this key is in progress; the events it changes are then left alone
   * @param quietMs overrides the times of the event types
   */
  constructor(isWritten: (key: string) => boolean, quietMs: QuietMs = {}) {
    this.#isWritten = isWritten;
    this.#quietMs = quietMs;
  }

  get size(): number {
    return this.#gatherings.size;
  }

  /**
   * Takes a new observation.
   *
   * @param keys keys that the event restores after a restart, and that its line does not contain
   */
  take(
    { body, collapse }: Observed,
    plan: IntakePlan,
    now: number,
    keys: readonly string[] = [],
  ): 'accepted' | 'duplicate' | 'held' {
    const folding = eventTraits[body.event].folds;
    if (collapse === undefined || folding === 'never') {
      append(body, keys, plan);
      return 'accepted';
    }
    const open = this.#open(collapse, body.created);
    const { counts, undo } = this.#window.count(collapse, body.created);
    plan.onUndo(undo);
    if (!counts) {
      if (open !== undefined) this.#exchange(open, folding.add(open.gathered, body, collapse.as), folding, plan, now);
      return 'duplicate';
    }
    const gathered = folding.begin(body, collapse.as, collapse.awaitsCall === true);
    const begun = this.#dated({ key: collapse.key, gathered, firstMs: now, dueMs: now, keys }, folding, now);
    if (folding.mayGain(gathered)) {
      this.#hold(begun, plan);
      this.#publishOldest(plan, now);
      return 'held';
    }
    append(body, keys, plan);
    if (collapse.as === 'piece') this.#rememberPieces(collapse.key, plan, now);
    return 'accepted';
  }

  /** Takes a further observation of a known request, which may know more. */
  contribute({ body, collapse }: Observed, plan: IntakePlan, now: number): void {
    if (collapse === undefined || this.#gatherings.size === 0) return;
    const folding = eventTraits[body.event].folds;
    const open = this.#gatherings.get(body.event_id) ?? this.#open(collapse, body.created);
    if (open !== undefined && folding !== 'never')
      this.#exchange(open, filledByWeaker(open.gathered, body), folding, plan, now);
  }

  /** A page that found nothing to show is not a view, whether it is held or reported later. */
  deny(denial: Denial, plan: IntakePlan): void {
    plan.onUndo(this.#window.deny(denial));
    for (const gathering of this.#gatherings.of(denial.key)) {
      if (gathering.gathered.state.awaitsCall !== true || !isOfPage(denial, createdOf(gathering))) continue;
      this.#letGo(gathering, plan);
      plan.remembered.push(lineOfKey(keyOfId(idOfGathering(gathering))));
    }
  }

  /** Publishes held events whose time is up. */
  *publishDue(plan: IntakePlan, now: number): Sliced<void> {
    for (const gathering of this.#gatherings.all()) {
      if (gathering.dueMs > now || this.#isWritten(gathering.key)) continue;
      this.#publish(gathering, plan, now);
      yield;
    }
  }

  /** The plan's changes to held events: rows to delete, and lines to add. */
  *changesOf(
    plan: IntakePlan,
  ): Sliced<{ readonly unhold: readonly number[]; readonly hold: readonly Omit<HeldLine, 'id'>[] }> {
    const unhold: number[] = [];
    const hold: Omit<HeldLine, 'id'>[] = [];
    for (const [id, { heldId }] of plan.gathered) {
      if (heldId !== undefined) unhold.push(heldId);
      const after = this.#gatherings.get(id);
      if (after === undefined) continue;
      hold.push({ line: lineOfGathering(after), dueMs: after.dueMs, reason: 'gathering', attempts: 0 });
      yield;
    }
    return { unhold, hold };
  }

  /** After a commit: stores the rows of held events. @param heldIds ids of the lines of `changesOf`, in their order */
  settle(plan: IntakePlan, heldIds: readonly number[]): void {
    const rows = heldIds.values();
    for (const id of plan.gathered.keys()) {
      const gathering = this.#gatherings.get(id);
      if (gathering === undefined) continue;
      const { value: heldId } = rows.next();
      if (heldId !== undefined) this.#gatherings.set({ ...gathering, heldId });
    }
  }

  /** Restores a held event after a restart. @returns the event as known so far, and its keys */
  restore({ id, line, dueMs }: HeldLine): { readonly event: FlatBody; readonly keys: readonly string[] } {
    const gathering = gatheringOf(line, dueMs, id);
    this.#gatherings.set(gathering);
    const event = eventOf(gathering);
    this.#window.restore(event);
    if (event.event === 'view.download') this.#window.restorePieces(gathering.key, [event.created, lastOf(gathering)]);
    return { event, keys: gathering.keys ?? [] };
  }

  restoreView(body: FlatBody): void {
    this.#window.restore(body);
  }

  /** @returns whether the line describes pieces */
  restorePieces(line: string): boolean {
    if (!line.startsWith(PIECES)) return false;
    const [key, first, last] = JSON.parse(line.slice(PIECES.length)) as [string, number, number];
    this.#window.restorePieces(key, [first, last]);
    return true;
  }

  /** The held event that an observation belongs to. */
  #open(collapse: Collapse, createdMs: number): Gathering | undefined {
    const held = this.#gatherings.of(collapse.key);
    if (held.length === 0) return undefined;
    if (collapse.as === 'page' || collapse.as === 'call')
      return held.findLast((one) => createdOf(one) <= createdMs || collapse.as === 'page') ?? held[0];
    return held.find(
      (one) => createdMs > createdOf(one) - PIECES_WITHIN_MS && createdMs < lastOf(one) + PIECES_WITHIN_MS,
    );
  }

  /** Replaces what is known of an event, and publishes the event if it can gain nothing more. */
  #exchange(open: Gathering, gathered: Gathered, folding: Folding, plan: IntakePlan, now: number): void {
    if (isSame(gathered, open.gathered)) return;
    const after = this.#dated({ ...open, gathered }, folding, now);
    this.#touch(open, open, plan);
    this.#gatherings.set(after);
    plan.onUndo(() => this.#gatherings.set(open));
    if (!folding.mayGain(gathered)) this.#publish(after, plan, now);
  }

  #dated(gathering: Gathering, { quietMs, mostMs }: Folding, now: number): Gathering {
    const quiet = this.#quietMs[typeOf(gathering)] ?? quietMs;
    return { ...gathering, dueMs: Math.min(now + quiet, gathering.firstMs + mostMs) };
  }

  #publish(gathering: Gathering, plan: IntakePlan, now: number): void {
    const event = eventOf(gathering);
    append(event, gathering.keys ?? [], plan);
    plan.published.push(event);
    this.#letGo(gathering, plan);
    if (event.event === 'view.download') this.#rememberPieces(gathering.key, plan, now);
  }

  /** Keeps further pieces part of the same download, even after a restart. */
  #rememberPieces(key: string, plan: IntakePlan, now: number): void {
    const pieces = this.#window.piecesOf(key);
    if (pieces === undefined) return;
    const line = PIECES + JSON.stringify([key, ...pieces]);
    plan.rememberedUntil.push({ line, dueMs: now + PIECES_WITHIN_MS });
  }

  /** Publishes the oldest events while too many are held, a few per call. */
  #publishOldest(plan: IntakePlan, now: number): void {
    let looks = LOOKS;
    for (const gathering of this.#gatherings.all()) {
      if (this.#gatherings.size <= HELD_MAX || looks === 0) return;
      looks -= 1;
      if (!this.#isWritten(gathering.key)) this.#publish(gathering, plan, now);
    }
  }

  #hold(gathering: Gathering, plan: IntakePlan): void {
    this.#touch(gathering, undefined, plan);
    this.#gatherings.set(gathering);
    plan.onUndo(() => this.#gatherings.delete(gathering));
  }

  #letGo(gathering: Gathering, plan: IntakePlan): void {
    this.#touch(gathering, gathering, plan);
    this.#gatherings.delete(gathering);
    plan.onUndo(() => this.#gatherings.set(gathering));
  }

  /** Marks an event as changed, so that its row from before the plan is deleted. */
  #touch(gathering: Gathering, before: Gathering | undefined, plan: IntakePlan): void {
    const id = idOfGathering(gathering);
    if (!plan.gathered.has(id)) plan.gathered.set(id, { key: gathering.key, heldId: before?.heldId });
  }
}

function append(body: FlatBody, keys: readonly string[], plan: IntakePlan): void {
  plan.append.push(JSON.stringify(body));
  plan.keys.push(...keys);
}

const isSame = (one: Gathered, other: Gathered): boolean => JSON.stringify(one) === JSON.stringify(other);
