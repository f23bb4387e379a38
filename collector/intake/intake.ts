import type { Candidate, Denial, Rejection } from '../../taxonomy/map/candidate.ts';
import { anothersEventId } from '../../taxonomy/event-id.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { isVague } from '../../taxonomy/map/keys.ts';
import type { Journal, JournalChange } from '../journal/journal.ts';
import type { SeenIds } from './seen-ids.ts';
import { EventFolder, type QuietMs } from './event-folder.ts';
import { jobKeysOf, keyOfId, lineOfKey, namedKey, ownKey, strongKey, vagueKey, type JobKeys } from './intake-keys.ts';
import { IntakePlan } from './intake-plan.ts';
import { KnownKeys } from './known-keys.ts';
import { restoreIntake } from './restore-intake.ts';
import { toRejectedRecord } from './rejected-record.ts';
import { lineOfWaiting, waitingOf } from './waiting-line.ts';
import { WaitingRoom, type WaitingEntry } from './waiting-room.ts';

/** What became of one candidate. */
export type Verdict = 'accepted' | 'duplicate' | 'waiting' | 'held';

export interface IntakeObserver {
  accepted(body: FlatBody): void;
  duplicate(): void;
  waiting(): void;
  recovered(body: FlatBody): void;
  rejected(origin: string, count: number): void;
}

export interface IntakeOptions {
  readonly journal: Journal;
  readonly seen: SeenIds;
  readonly waitMs: number;
  /** How far back ids are rebuilt from the journal, and how long it keeps those of events that did not happen. */
  readonly windowMs: number;
  /** How long events are held after their latest observation, where it is another time than their type's. */
  readonly quietMs?: QuietMs;
  /** Whether other collectors take events as well: then ids are made of what each of them knows (docs/adr/019). @default false */
  readonly amongOthers?: boolean;
  readonly now: () => number;
  readonly observer: IntakeObserver;
}

/** Remembered keys that are let go of in one write, at most. */
const EXPIRED_PAGE = 1000;

/** What a batch says beside the events that it may have. */
export interface Aside {
  /** Ids of events that did not happen: weaker observations of them are dropped. */
  readonly refuted?: readonly string[];
  /** Of pages that got nothing to show. */
  readonly denied?: readonly Denial[];
}

/**
 * Decides for each candidate whether it is new, and puts what is new into the journal. One decision is one synchronous
 * step; what it decided is taken back when the journal could not keep it, so that a resend is not taken for a duplicate.
 */
export class Intake {
  readonly #journal: Journal;
  readonly #known: KnownKeys;
  readonly #options: IntakeOptions;
  readonly #waiting: WaitingRoom;
  readonly #folder: EventFolder;
  /** Ids whose write is not committed yet: a duplicate of one is acknowledged only once that is. */
  readonly #pending = new Map<string, Promise<unknown>>();
  /** The same by events that others are added to. */
  readonly #pendingEvents = new Map<string, Promise<unknown>>();
  /** Candidates whose id is another one than they came with, as they were taken. */
  readonly #renamed = new WeakMap<Candidate, Candidate>();
  /** Rows of waiting lines that are settled and still in the journal: let go of when next something is due. */
  readonly #orphans: number[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#known = new KnownKeys(options.seen, options.windowMs);
    this.#waiting = new WaitingRoom();
    this.#folder = new EventFolder((key) => this.#pendingEvents.has(key), options.quietMs);
    const parts = { journal: this.#journal, known: this.#known, folder: this.#folder, waiting: this.#waiting };
    this.#orphans.push(...restoreIntake(parts, options, options.now()));
  }

  /** Observations that wait for a stronger one, and events that others may be added to. */
  get waitingCount(): number {
    return this.#waiting.size + this.#folder.size;
  }

  /**
   * Resolves once everything new among the candidates, and the rejected records, are fsynced in the journal.
   *
   * @throws CollectorError journal_full or journal_unavailable where the journal cannot take them; nothing is kept then
   */
  async submit(
    candidates: readonly Candidate[],
    rejected: readonly Rejection[] = [],
    origin = '',
    aside: Aside = {},
  ): Promise<readonly Verdict[]> {
    const { refuted = [], denied = [] } = aside;
    const earlier = this.#writeInTheWay(candidates, denied);
    if (earlier !== undefined) {
      // What came before of the same job, or is held of the same event, is known once that is on disk, or refused.
      await Promise.allSettled([earlier]);
      return this.submit(candidates, rejected, origin, aside);
    }
    const now = this.#options.now();
    const plan = new IntakePlan();
    for (const id of refuted) this.#refute(id, plan, now);
    const verdicts = candidates.map((candidate) => this.#decide(candidate, plan, now));
    for (const denial of denied) this.#folder.deny(denial, plan);
    const change = this.#changeOf(plan, rejected, origin, now);
    const waitsFor = [...plan.dependsOn];
    if (change !== undefined) waitsFor.push(this.#write(change, plan));
    else this.#settle(plan, [], []);
    if (waitsFor.length > 0) await Promise.all(waitsFor);
    this.#report(candidates, verdicts, rejected.length, origin);
    this.#reportPublished(plan);
    return verdicts;
  }

  /**
   * Publishes what has waited long enough for an observation that never came, and what was held long enough; forgets what
   * may be. Called on a timer.
   *
   * @returns how many events were recovered
   */
  async recoverDue(): Promise<number> {
    const now = this.#options.now();
    const due = this.#waiting.takeDue(now);
    const orphans = this.#orphans.splice(0);
    const expired = this.#journal.heldDue('remembered', now, EXPIRED_PAGE).map(({ id }) => id);
    const plan = new IntakePlan();
    plan.onUndo(() => {
      for (const entry of due) this.#waiting.putBack(entry);
      this.#orphans.push(...orphans);
    });
    // Of two observations of one request the one that knows more is published.
    const knowingFirst = due.toSorted((one, other) => Number(one.vague) - Number(other.vague));
    const recovered = knowingFirst.flatMap((entry) => this.#recover(entry, plan, now) ?? []);
    this.#folder.publishDue(plan, now);
    const change = this.#changeOf(plan, [], '', now);
    const unhold = [...(change?.unhold ?? []), ...orphans, ...expired, ...due.map((entry) => entry.heldId)];
    if (change === undefined && unhold.length === 0) return 0;
    await this.#write({ ...change, unhold }, plan);
    for (const body of recovered) this.#options.observer.recovered(body);
    return recovered.length + this.#reportPublished(plan);
  }

  /** @returns the event; undefined where it is settled already, is held, or is the same as another */
  #recover({ id, line, requestKey, vague }: WaitingEntry, plan: IntakePlan, now: number): FlatBody | undefined {
    if (this.#known.isSettled(id, requestKey)) return undefined;
    if (vague && requestKey !== undefined && this.#isNamed(requestKey)) return undefined;
    const waiting = waitingOf(line);
    const body: FlatBody = { ...waiting.body, recovered: true };
    this.#known.mark(id, plan, now);
    this.#known.markWeak(body, requestKey, plan, now);
    return this.#folder.take({ ...waiting, body }, plan, now) === 'accepted' ? body : undefined;
  }

  /** Whether an observation that names the resource is there, or waits. */
  #isNamed(requestKey: string): boolean {
    return this.#known.has(namedKey(requestKey)) || this.#waiting.hasNamed(requestKey);
  }

  /** The id under which it was taken: its own, unless another producer has used that, or other collectors give it another. */
  idOf(candidate: Candidate): string {
    return this.#asTaken(candidate).body.event_id;
  }

  #asTaken(candidate: Candidate): Candidate {
    const renamed = this.#renamed.get(candidate);
    return renamed === undefined ? candidate : this.#asTaken(renamed);
  }

  #decide(candidate: Candidate, plan: IntakePlan, now: number): Verdict {
    const { producer, body } = candidate;
    if (producer === undefined) return this.#decideNamed(candidate, plan, now);
    const own = ownKey(producer, body.event_id);
    const isOwn = this.#known.has(own);
    const { amongOthers = false } = this.#options;
    if (amongOthers || isOwn || this.#known.has(keyOfId(body.event_id))) {
      const other = { ...candidate, body: { ...body, event_id: anothersEventId(producer, body.event_id) } };
      // Whether others have used the id at another collector, nobody knows: so no producer's is taken as it is.
      if (amongOthers || !isOwn || this.#known.has(other.body.event_id)) this.#renamed.set(candidate, other);
    }
    if (isOwn) return this.#duplicate(own, plan);
    this.#known.mark(own, plan, now);
    plan.keys.push(own);
    return this.#decideNamed(this.#renamed.get(candidate) ?? candidate, plan, now);
  }

  #decideNamed(candidate: Candidate, plan: IntakePlan, now: number): Verdict {
    const { body, requestKey, strong } = candidate;
    const id = keyOfId(body.event_id);
    if (this.#known.has(id)) return this.#thereAlready(id, candidate, plan, now);
    const settled = strong ? undefined : this.#known.settledBy(candidate, plan, now);
    if (settled !== undefined) {
      this.#folder.contribute(candidate, plan, now);
      return this.#duplicate(settled, plan);
    }
    if (candidate.waits) return this.#wait(candidate, plan, now);
    const job = jobKeysOf(body);
    const isTold = job?.seenAs.some((key) => this.#known.has(key)) === true;
    if (isTold && !strong) return 'duplicate';
    const strongKeys: string[] = [];
    if (strong && requestKey !== undefined) {
      const vague = vagueKey(requestKey);
      if (this.#known.has(vague)) return this.#thereAlready(vague, candidate, plan, now);
      strongKeys.push(strongKey(requestKey));
      plan.strongKeys.push(strongKey(requestKey));
    }
    const { innerKey } = candidate;
    if (strong && innerKey !== undefined) this.#known.remember(strongKey(innerKey), plan, now);
    for (const key of [id, ...strongKeys]) this.#known.mark(key, plan, now);
    if (!strong) this.#known.markWeak(body, requestKey, plan, now);
    const released = this.#release(id, strong ? [requestKey, innerKey] : [], plan);
    if (isTold) {
      plan.remembered.push(...[id, ...strongKeys].map(lineOfKey));
      return 'duplicate';
    }
    for (const key of job?.own ?? []) this.#known.mark(key, plan, now);
    const verdict = this.#folder.take(this.#underJobsId(candidate, job, plan, now), plan, now);
    // No line of an event says that a capture told of it: anybody could write that.
    if (verdict === 'accepted') plan.keys.push(...strongKeys);
    else plan.remembered.push(...strongKeys.map(lineOfKey));
    // What a weaker observation alone knows is not lost.
    if (verdict !== 'accepted' && candidate.collapse !== undefined)
      for (const { line } of released) this.#folder.contribute(waitingOf(line), plan, now);
    return verdict;
  }

  /** Of one job each collector gives the event the same id, whoever reported it there. */
  #underJobsId(candidate: Candidate, job: JobKeys | undefined, plan: IntakePlan, now: number): Candidate {
    const { body } = candidate;
    if (job === undefined || this.#options.amongOthers !== true) return candidate;
    const named = { ...candidate, body: { ...body, event_id: job.sharedId } };
    this.#renamed.set(candidate, named);
    this.#known.mark(named.body.event_id, plan, now);
    // By the id that it came with it is known as well, also after a restart.
    plan.keys.push(keyOfId(body.event_id));
    return named;
  }

  /** The event is there, perhaps by an observer that did not know the job: a strong one says which it was. */
  #thereAlready(key: string, candidate: Candidate, plan: IntakePlan, now: number): Verdict {
    const { body, strong } = candidate;
    this.#folder.contribute(candidate, plan, now);
    for (const jobKey of (strong ? jobKeysOf(body) : undefined)?.own ?? []) this.#known.remember(jobKey, plan, now);
    return this.#duplicate(key, plan);
  }

  #wait({ body, requestKey, collapse }: Candidate, plan: IntakePlan, now: number): Verdict {
    const id = keyOfId(body.event_id);
    if (this.#waiting.has(id)) return this.#duplicate(id, plan);
    const line = lineOfWaiting({ body, requestKey, ...(collapse !== undefined && { collapse }) });
    const dueMs = now + this.#options.waitMs;
    plan.hold.push({ line, dueMs, reason: 'waiting', attempts: 0 });
    plan.heldEntryIds.push(id);
    plan.onUndo(() => this.#waiting.forget([id]));
    this.#waiting.add({ id, line, requestKey, vague: isVague(body), dueMs });
    return 'waiting';
  }

  /** Weak observations of the event make none of it, those that wait and those to come, also after a restart. */
  #refute(id: string, plan: IntakePlan, now: number): void {
    const known = this.#known.refute(id, plan, now);
    if (known === undefined) this.#release(id, [], plan);
    else this.#duplicate(known, plan);
  }

  #release(id: string, requestKeys: readonly (string | undefined)[], plan: IntakePlan): readonly WaitingEntry[] {
    const claimed = this.#waiting.claim(id, requestKeys);
    if (claimed.length === 0) return claimed;
    plan.released.push(...claimed.map((entry) => entry.id));
    plan.onUndo(() => this.#waiting.unclaim(claimed));
    return claimed;
  }

  #writeInTheWay(candidates: readonly Candidate[], denied: readonly Denial[]): Promise<unknown> | undefined {
    if (this.#pending.size + this.#pendingEvents.size === 0) return undefined;
    for (const { body, collapse } of candidates) {
      for (const key of jobKeysOf(body)?.seenAs ?? []) {
        const write = this.#pending.get(key);
        if (write !== undefined) return write;
      }
      const write = collapse === undefined ? undefined : this.#writeOfEvent(collapse);
      if (write !== undefined) return write;
    }
    for (const denial of denied) {
      const write = this.#writeOfEvent(denial);
      if (write !== undefined) return write;
    }
    return undefined;
  }

  #writeOfEvent(keyed: { readonly key: string }): Promise<unknown> | undefined {
    return this.#pendingEvents.size === 0 ? undefined : this.#pendingEvents.get(keyed.key);
  }

  /** Whose key it has may not be on disk yet: it is acknowledged only once that is. */
  #duplicate(key: string, plan: IntakePlan): Verdict {
    const pending = this.#pending.get(key);
    if (pending !== undefined) plan.dependsOn.add(pending);
    return 'duplicate';
  }

  #changeOf(plan: IntakePlan, rejected: readonly Rejection[], origin: string, now: number): JournalChange | undefined {
    const { append } = plan;
    const remembered = { dueMs: now + this.#options.windowMs, reason: 'remembered', attempts: 0 } as const;
    const gathered = this.#folder.changesOf(plan);
    const hold = [
      ...plan.hold,
      ...gathered.hold,
      ...plan.remembered.map((line) => ({ ...remembered, line })),
      ...plan.rememberedUntil.map((until) => ({ ...remembered, ...until })),
    ];
    const unhold = [...this.#waiting.heldIdsOf(plan.released), ...gathered.unhold];
    if (append.length + hold.length + unhold.length + rejected.length === 0) return undefined;
    return {
      ...(append.length > 0 && { append }),
      ...(plan.keys.length > 0 && append.length > 0 && { keys: plan.keys }),
      ...(hold.length > 0 && { hold }),
      ...(unhold.length > 0 && { unhold }),
      ...(rejected.length > 0 && { reject: rejected.map((one) => toRejectedRecord(one, origin, now)) }),
    };
  }

  async #write(change: JournalChange, plan: IntakePlan): Promise<void> {
    const write = this.#journal.write(change);
    const keys = [...plan.marked, ...plan.heldEntryIds];
    for (const key of keys) this.#pending.set(key, write);
    for (const { key } of plan.gathered.values()) this.#pendingEvents.set(key, write);
    try {
      const { heldIds } = await write;
      this.#settle(plan, heldIds, change.unhold ?? []);
    } catch (error) {
      plan.undo();
      throw error;
    } finally {
      for (const key of keys) this.#pending.delete(key);
      for (const { key } of plan.gathered.values()) this.#pendingEvents.delete(key);
    }
  }

  #settle(plan: IntakePlan, heldIds: readonly number[], unheld: readonly number[]): void {
    this.#orphans.push(...this.#waiting.settle(plan.heldEntryIds, heldIds, plan.released, unheld));
    this.#folder.settle(plan, heldIds.slice(plan.hold.length));
    // Another submission of the same request, whose write failed, may have taken them back.
    for (const key of plan.strongKeys) if (!this.#known.has(key)) this.#known.add(key, this.#options.now());
  }

  /** Of events that were held. @returns how many of them were recovered */
  #reportPublished({ published }: IntakePlan): number {
    const { observer } = this.#options;
    for (const body of published) observer[body['recovered'] === true ? 'recovered' : 'accepted'](body);
    return published.filter((body) => body['recovered'] === true).length;
  }

  #report(candidates: readonly Candidate[], verdicts: readonly Verdict[], rejected: number, origin: string): void {
    const { observer } = this.#options;
    if (rejected > 0) observer.rejected(origin, rejected);
    verdicts.forEach((verdict, index) => {
      const candidate = candidates[index];
      if (verdict === 'accepted' && candidate !== undefined) observer.accepted(this.#asTaken(candidate).body);
      else if (verdict === 'duplicate') observer.duplicate();
      else if (verdict === 'waiting') observer.waiting();
    });
  }
}
