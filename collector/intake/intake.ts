import type { Candidate, Denial, Rejection } from '../../taxonomy/map/candidate.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { Journal, JournalChange } from '../journal/journal.ts';
import type { SeenIds } from './seen-ids.ts';
import { EventFolder, type QuietMs } from './event-folder.ts';
import { atOnce, beginWork, inSlices, type Sliced } from '../slices.ts';
import { Deciding, type Verdict } from './deciding.ts';
import { GivenIds } from './given-ids.ts';
import { changeOf, type PlanParts } from './plan-change.ts';
import { UnsettledWrites } from './unsettled-writes.ts';
import { CollectorError } from '../errors.ts';
import { errorText } from '../../runtime/error-text.ts';
import { IntakePlan } from './intake-plan.ts';
import { KnownKeys } from './known-keys.ts';
import { restoreIntake } from './restore-intake.ts';
import { WaitingRoom } from './waiting-room.ts';

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
  readonly #parts: PlanParts & { readonly known: KnownKeys };
  readonly #ids: GivenIds;
  readonly #deciding: Deciding;
  readonly #writes = new UnsettledWrites();
  #isRestoring = false;
  /** Why nothing can be decided. */
  #unusable: unknown;
  /** A large submission that is being decided on: nobody else decides meanwhile. */
  #turn: Promise<void> | undefined;
  /** Rows of waiting lines that are settled and still in the journal: let go of when next something is due. */
  readonly #orphans: number[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#known = new KnownKeys(options.seen, options.windowMs);
    this.#waiting = new WaitingRoom();
    this.#folder = new EventFolder((key) => this.#writes.hasEvent(key), options.quietMs);
    this.#ids = new GivenIds(this.#known, this.#waiting, options.amongOthers === true);
    this.#parts = { known: this.#known, folder: this.#folder, waiting: this.#waiting, windowMs: options.windowMs };
    this.#deciding = new Deciding({ ...this.#parts, ids: this.#ids, writes: this.#writes, waitMs: options.waitMs });
    const restoring = beginWork(
      restoreIntake({ ...this.#parts, journal: this.#journal }, options, options.now()),
      RESTORED_AT_ONCE_MS,
    );
    if (restoring.done) this.#orphans.push(...restoring.value);
    else this.#turn = this.#restored(restoring.rest);
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
      this.#turn = undefined;
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
    while (this.#turn !== undefined) await this.#turn;
    if (this.#unusable !== undefined) throw new CollectorError('journal_unavailable', errorText(this.#unusable));
    if (size <= SMALL) return atOnce(work());
    const done = inSlices(work());
    this.#turn = done.then(noop, noop);
    try {
      return await done;
    } finally {
      this.#turn = undefined;
    }
  }

  *#decideAll(
    candidates: readonly Candidate[],
    rejected: readonly Rejection[],
    origin: string,
    { refuted, denied }: Required<Aside>,
  ): Sliced<Decision> {
    const earlier = yield* this.#writes.inTheWay(candidates, denied);
    if (earlier !== undefined) return { earlier };
    const now = this.#options.now();
    const plan = new IntakePlan();
    for (const id of refuted) {
      this.#deciding.refute(id, plan, now);
      yield;
    }
    const verdicts: Verdict[] = [];
    for (const candidate of candidates) {
      verdicts.push(this.#deciding.decide(candidate, plan, now));
      yield;
    }
    for (const denial of denied) {
      this.#folder.deny(denial, plan);
      yield;
    }
    const change = yield* changeOf(plan, this.#parts, rejected, origin, now);
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
      const body = this.#deciding.recover(entry, plan, now);
      if (body !== undefined) recovered.push(body);
      yield;
    }
    yield* this.#folder.publishDue(plan, now);
    const change = yield* changeOf(plan, this.#parts, [], '', now);
    const unhold = [...(change?.unhold ?? []), ...orphans, ...expired, ...due.map((entry) => entry.heldId)];
    const isMore = due.length === RECOVERED_AT_ONCE;
    if (change === undefined && unhold.length === 0) return { plan, recovered, isMore, written: undefined };
    return { plan, recovered, isMore, written: yield* this.#write({ ...change, unhold }, plan) };
  }

  /** The id under which it was taken: its own, unless another producer has used that, or other collectors give it another. */
  idOf(candidate: Candidate): string {
    return this.#ids.asTaken(candidate).body.event_id;
  }

  /** Hands it to the journal. @returns once it may, a promise of that it is on disk */
  *#write(change: JournalChange, plan: IntakePlan): Sliced<Promise<void>> {
    const write = Promise.withResolvers<{ readonly heldIds: readonly number[] }>();
    yield* this.#writes.begin(write.promise, plan);
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
      this.#writes.end(plan);
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
      if (verdict === 'accepted' && candidate !== undefined) observer.accepted(this.#ids.asTaken(candidate).body);
      else if (verdict === 'duplicate') observer.duplicate();
      else if (verdict === 'waiting') observer.waiting();
      yield;
    }
  }
}

const noop = (): void => undefined;
