import type { Candidate, Denial, Rejection } from '../../taxonomy/map/candidate.ts';
import { anothersEventId } from '../../taxonomy/event-id.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { isVague } from '../../taxonomy/map/keys.ts';
import type { Journal, JournalChange } from '../journal/journal.ts';
import type { SeenIds } from './seen-ids.ts';
import { EventFolder, type QuietMs } from './event-folder.ts';
import { atOnce, beginWork, inSlices, type Sliced } from '../slices.ts';
import { CollectorError } from '../errors.ts';
import { errorText } from '../../runtime/error-text.ts';
import {
  isDerivedForm,
  jobKeysOf,
  keyOfId,
  lineOfKey,
  namedKey,
  ownKey,
  statedKey,
  strongKey,
  vagueKey,
  type JobKeys,
} from './intake-keys.ts';
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
  /** Told where what is known cannot be read from the journal. */
  readonly onUnusable?: (error: unknown) => void;
}

/** What a start reads before it serves; the rest, as after an upgrade, in slices. */
const RESTORED_AT_ONCE_MS = 250;
/** A batch that is decided on in one go: what takes longer gives others their turns. */
const SMALL = 256;

/** Observations that are recovered in one write, at most. */
const RECOVERED_AT_ONCE = 5000;
/** Remembered keys that are let go of in one write, at most. */
const EXPIRED_PAGE = 1000;

/** What a batch says beside the events that it may have. */
export interface Aside {
  /** Ids of events that did not happen: weaker observations of them are dropped. */
  readonly refuted?: readonly string[];
  /** Of pages that got nothing to show. */
  readonly denied?: readonly Denial[];
}

/** What was decided of one submission; or whose write must be known first. */
type Decision =
  | { readonly earlier: Promise<unknown> }
  | {
      readonly plan: IntakePlan;
      readonly verdicts: readonly Verdict[];
      /** What must be on disk before it is acknowledged. */
      readonly waitsFor: readonly Promise<unknown>[];
    };

/** What had waited long enough. */
interface Recovery {
  readonly plan: IntakePlan;
  readonly recovered: readonly FlatBody[];
  readonly isMore: boolean;
  readonly written: Promise<void> | undefined;
}

/**
 * Decides for each candidate whether it is new, and puts what is new into the journal. One submission is decided on after
 * the other, and handed to the journal in that order, however many turns others have meanwhile; what was decided is taken
 * back when the journal could not keep it, so that a resend is not taken for a duplicate.
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
  #isRestoring = false;
  /** Why nothing can be decided. */
  #unusable: unknown;
  /** A large submission that is being decided on: nobody else decides meanwhile. */
  #deciding: Promise<void> | undefined;
  /** Rows of waiting lines that are settled and still in the journal: let go of when next something is due. */
  readonly #orphans: number[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#known = new KnownKeys(options.seen, options.windowMs);
    this.#waiting = new WaitingRoom();
    this.#folder = new EventFolder((key) => this.#pendingEvents.has(key), options.quietMs);
    const parts = { journal: this.#journal, known: this.#known, folder: this.#folder, waiting: this.#waiting };
    const restoring = beginWork(restoreIntake(parts, options, options.now()), RESTORED_AT_ONCE_MS);
    if (restoring.done) this.#orphans.push(...restoring.value);
    else this.#deciding = this.#restored(restoring.rest);
  }

  /** Nothing is decided before it is known what is there. */
  async #restored(rest: Promise<readonly number[]>): Promise<void> {
    this.#isRestoring = true;
    try {
      this.#orphans.push(...(await rest));
    } catch (error) {
      this.#unusable = error;
      this.#options.onUnusable?.(error);
    } finally {
      this.#isRestoring = false;
      this.#deciding = undefined;
    }
  }

  /** Whether it reads from the journal what is known already: what is sent waits for that. */
  get isRestoring(): boolean {
    return this.#isRestoring;
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
    const size = candidates.length + rejected.length + refuted.length + denied.length;
    for (;;) {
      const decision = await this.#inTurn(size, () =>
        this.#decideAll(candidates, rejected, origin, { refuted, denied }),
      );
      if ('earlier' in decision) {
        // What came before of the same job, or is held of the same event, is known once that is on disk, or refused.
        await Promise.allSettled([decision.earlier]);
        continue;
      }
      const { plan, verdicts, waitsFor } = decision;
      if (waitsFor.length > 0) await Promise.all(waitsFor);
      const report = this.#report(candidates, verdicts, rejected.length, origin);
      if (size <= SMALL) atOnce(report);
      else await inSlices(report);
      this.#reportPublished(plan);
      return verdicts;
    }
  }

  /** Nobody else decides meanwhile. @param size of the work, about */
  async #inTurn<R>(size: number, work: () => Sliced<R>): Promise<R> {
    while (this.#deciding !== undefined) await this.#deciding;
    if (this.#unusable !== undefined) throw new CollectorError('journal_unavailable', errorText(this.#unusable));
    if (size <= SMALL) return atOnce(work());
    const done = inSlices(work());
    this.#deciding = done.then(noop, noop);
    try {
      return await done;
    } finally {
      this.#deciding = undefined;
    }
  }

  *#decideAll(
    candidates: readonly Candidate[],
    rejected: readonly Rejection[],
    origin: string,
    { refuted, denied }: Required<Aside>,
  ): Sliced<Decision> {
    const earlier = yield* this.#writeInTheWay(candidates, denied);
    if (earlier !== undefined) return { earlier };
    const now = this.#options.now();
    const plan = new IntakePlan();
    for (const id of refuted) {
      this.#refute(id, plan, now);
      yield;
    }
    const verdicts: Verdict[] = [];
    for (const candidate of candidates) {
      verdicts.push(this.#decide(candidate, plan, now));
      yield;
    }
    for (const denial of denied) {
      this.#folder.deny(denial, plan);
      yield;
    }
    const change = yield* this.#changeOf(plan, rejected, origin, now);
    const waitsFor = [...plan.dependsOn];
    if (change !== undefined) waitsFor.push(yield* this.#write(change, plan));
    else this.#settle(plan, [], []);
    return { plan, verdicts, waitsFor };
  }

  /**
   * Publishes what has waited long enough for an observation that never came, and what was held long enough; forgets what
   * may be. Called on a timer.
   *
   * @returns how many events were recovered
   */
  async recoverDue(): Promise<number> {
    let recovered = 0;
    for (let isMore = true; isMore;) {
      const found = await this.#inTurn(this.waitingCount, () => this.#recoverSome());
      isMore = found.isMore;
      await found.written;
      for (const body of found.recovered) this.#options.observer.recovered(body);
      recovered += found.recovered.length + this.#reportPublished(found.plan);
    }
    return recovered;
  }

  *#recoverSome(): Sliced<Recovery> {
    const now = this.#options.now();
    const due = this.#waiting.takeDue(now, RECOVERED_AT_ONCE);
    const orphans = this.#orphans.splice(0);
    const expired = this.#journal.heldDue('remembered', now, EXPIRED_PAGE).map(({ id }) => id);
    const plan = new IntakePlan();
    plan.onUndo(() => {
      for (const entry of due) this.#waiting.putBack(entry);
      this.#orphans.push(...orphans);
    });
    const recovered: FlatBody[] = [];
    // Of two observations of one request the one that knows more is published.
    for (const entry of due.toSorted((one, other) => Number(one.vague) - Number(other.vague))) {
      const body = this.#recover(entry, plan, now);
      if (body !== undefined) recovered.push(body);
      yield;
    }
    yield* this.#folder.publishDue(plan, now);
    const change = yield* this.#changeOf(plan, [], '', now);
    const unhold = [...(change?.unhold ?? []), ...orphans, ...expired, ...due.map((entry) => entry.heldId)];
    const isMore = due.length === RECOVERED_AT_ONCE;
    if (change === undefined && unhold.length === 0) return { plan, recovered, isMore, written: undefined };
    return { plan, recovered, isMore, written: yield* this.#write({ ...change, unhold }, plan) };
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
    if (producer === undefined) return this.#decideNamed(this.#underFreeId(candidate), plan, now);
    const id = keyOfId(body.event_id);
    const own = ownKey(producer, body.event_id);
    const isOwn = this.#known.has(own);
    const { amongOthers = false } = this.#options;
    if (amongOthers || isOwn || this.#known.has(id) || this.#waiting.has(id)) {
      const other = { ...candidate, body: { ...body, event_id: anothersEventId(producer, body.event_id) } };
      // Whether others have used the id at another collector, nobody knows: so no producer's is taken as it is.
      if (amongOthers || !isOwn || this.#known.has(other.body.event_id)) this.#renamed.set(candidate, other);
    }
    if (isOwn) return this.#duplicate(own, plan);
    const isItsOwn = !this.#renamed.has(candidate) && isDerivedForm(body.event_id);
    for (const key of isItsOwn ? [own, statedKey(body.event_id)] : [own]) {
      this.#known.mark(key, plan, now);
      plan.keys.push(key);
    }
    return this.#decideNamed(this.#renamed.get(candidate) ?? candidate, plan, now);
  }

  /** What follows from an observation is never taken for what somebody stated by the same id: that could be anybody. */
  #underFreeId(candidate: Candidate): Candidate {
    const { body } = candidate;
    const id = this.#freeId(body.event_id);
    if (id === body.event_id) return candidate;
    const other = { ...candidate, body: { ...body, event_id: id } };
    this.#renamed.set(candidate, other);
    return other;
  }

  #freeId(id: string): string {
    return isDerivedForm(id) && this.#known.has(statedKey(id)) ? anothersEventId('', id) : id;
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
    if (candidate.waits) {
      if (this.#waiting.hasRoom) return this.#wait(candidate, plan, now);
      // More wait than there is room for: this one goes on at once, as if its time were up.
      return this.#decideNamed({ ...candidate, waits: false, body: { ...body, recovered: true } }, plan, now);
    }
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
    // No line of an event says that a capture told of it: anybody could write that.
    const verdict = this.#folder.take(this.#underJobsId(candidate, job, plan, now), plan, now, strongKeys);
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
    const free = this.#freeId(id);
    const known = this.#known.refute(free, plan, now);
    if (known === undefined) this.#release(free, [], plan);
    else this.#duplicate(known, plan);
  }

  #release(id: string, requestKeys: readonly (string | undefined)[], plan: IntakePlan): readonly WaitingEntry[] {
    const claimed = this.#waiting.claim(id, requestKeys);
    if (claimed.length === 0) return claimed;
    plan.released.push(...claimed.map((entry) => entry.id));
    plan.onUndo(() => this.#waiting.unclaim(claimed));
    return claimed;
  }

  *#writeInTheWay(candidates: readonly Candidate[], denied: readonly Denial[]): Sliced<Promise<unknown> | undefined> {
    if (this.#pending.size + this.#pendingEvents.size === 0) return undefined;
    for (const { body, collapse } of candidates) {
      for (const key of jobKeysOf(body)?.seenAs ?? []) {
        const write = this.#pending.get(key);
        if (write !== undefined) return write;
      }
      const write = collapse === undefined ? undefined : this.#writeOfEvent(collapse);
      if (write !== undefined) return write;
      yield;
    }
    for (const denial of denied) {
      const write = this.#writeOfEvent(denial);
      if (write !== undefined) return write;
      yield;
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

  *#changeOf(
    plan: IntakePlan,
    rejected: readonly Rejection[],
    origin: string,
    now: number,
  ): Sliced<JournalChange | undefined> {
    const { append } = plan;
    const remembered = { dueMs: now + this.#options.windowMs, reason: 'remembered', attempts: 0 } as const;
    const gathered = yield* this.#folder.changesOf(plan);
    const hold = [
      ...plan.hold,
      ...gathered.hold,
      ...plan.remembered.map((line) => ({ ...remembered, line })),
      ...plan.rememberedUntil.map((until) => ({ ...remembered, ...until })),
    ];
    const unhold = [...this.#waiting.heldIdsOf(plan.released), ...gathered.unhold];
    if (append.length + hold.length + unhold.length + rejected.length === 0) return undefined;
    const reject: ReturnType<typeof toRejectedRecord>[] = [];
    for (const one of rejected) {
      reject.push(toRejectedRecord(one, origin, now));
      yield;
    }
    return {
      ...(append.length > 0 && { append }),
      ...(plan.keys.length > 0 && append.length > 0 && { keys: plan.keys }),
      ...(hold.length > 0 && { hold }),
      ...(unhold.length > 0 && { unhold }),
      ...(reject.length > 0 && { reject }),
    };
  }

  /** Hands it to the journal. @returns once it may, a promise of that it is on disk */
  *#write(change: JournalChange, plan: IntakePlan): Sliced<Promise<void>> {
    const write = Promise.withResolvers<{ readonly heldIds: readonly number[] }>();
    for (const key of keysOf(plan)) {
      this.#pending.set(key, write.promise);
      yield;
    }
    for (const { key } of plan.gathered.values()) {
      this.#pendingEvents.set(key, write.promise);
      yield;
    }
    write.resolve(this.#journal.write(change));
    return this.#finish(write.promise, change, plan);
  }

  async #finish(
    write: Promise<{ readonly heldIds: readonly number[] }>,
    change: JournalChange,
    plan: IntakePlan,
  ): Promise<void> {
    try {
      const { heldIds } = await write;
      this.#settle(plan, heldIds, change.unhold ?? []);
    } catch (error) {
      plan.undo();
      throw error;
    } finally {
      for (const { key } of plan.gathered.values()) this.#pendingEvents.delete(key);
      for (const key of keysOf(plan)) this.#pending.delete(key);
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

  *#report(
    candidates: readonly Candidate[],
    verdicts: readonly Verdict[],
    rejected: number,
    origin: string,
  ): Sliced<void> {
    const { observer } = this.#options;
    if (rejected > 0) observer.rejected(origin, rejected);
    for (const [index, verdict] of verdicts.entries()) {
      const candidate = candidates[index];
      if (verdict === 'accepted' && candidate !== undefined) observer.accepted(this.#asTaken(candidate).body);
      else if (verdict === 'duplicate') observer.duplicate();
      else if (verdict === 'waiting') observer.waiting();
      yield;
    }
  }
}

function* keysOf(plan: IntakePlan): Generator<string, void, void> {
  yield* plan.marked;
  yield* plan.heldEntryIds;
}

const noop = (): void => undefined;
