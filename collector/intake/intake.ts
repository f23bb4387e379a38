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
  /** How far back ids are restored from the journal, and how long it keeps the ids of events that did not happen. */
  readonly windowMs: number;
  /** How long events are held after their latest observation; overrides the times of their types. */
  readonly quietMs?: QuietMs;
  /** Whether other collectors take events too; ids then use only what each of them knows (docs/adr/019). @default false */
  readonly amongOthers?: boolean;
  readonly now: () => number;
  readonly observer: IntakeObserver;
  /** Called if the known ids cannot be read from the journal. */
  readonly onUnusable?: (error: unknown) => void;
}

/** How long a start reads the journal before it serves. It reads the rest, as after an upgrade, in slices. */
const RESTORED_AT_ONCE_MS = 250;
/** Largest batch that is decided on without a pause. Larger ones give other work its turn. */
const SMALL = 256;

/** Most observations recovered in one write. */
const RECOVERED_AT_ONCE = 5000;
/** Most remembered keys deleted in one write. */
const EXPIRED_PAGE = 1000;

/** What a batch says besides its events. */
export interface Aside {
  /** Ids of events that did not happen. Weaker observations of them are dropped. */
  readonly refuted?: readonly string[];
  /** Pages that found nothing to show. */
  readonly denied?: readonly Denial[];
}

/** The decision on one submission, or an earlier write whose outcome must be known first. */
type Decision =
  | { readonly earlier: Promise<unknown> }
  | {
      readonly plan: IntakePlan;
      readonly verdicts: readonly Verdict[];
      /** Writes that must be on disk before the submission is acknowledged. */
      readonly waitsFor: readonly Promise<unknown>[];
    };

/** The observations whose waiting time was over. */
interface Recovery {
  readonly plan: IntakePlan;
  readonly recovered: readonly FlatBody[];
  readonly isMore: boolean;
  readonly written: Promise<void> | undefined;
}

/**
 * Decides for each candidate whether it is new, and journals the new ones. Submissions are decided on one after the other
 * and reach the journal in that order, even if other work runs in between. If the journal cannot keep a submission, its
 * decisions are undone, so that a resend is not a duplicate.
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
  /** A large submission that is being decided on, or the restore. Other decisions wait for it. */
  #turn: Promise<void> | undefined;
  /** Rows of waiting lines that are settled but still in the journal. The next `recoverDue` deletes them. */
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

  /** Holds back all decisions until the known ids are read. */
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

  /** Whether the known ids are still being read from the journal. Submissions wait for that. */
  get isRestoring(): boolean {
    return this.#isRestoring;
  }

  /** Observations that wait for a stronger one, and held events that further observations may add to. */
  get waitingCount(): number {
    return this.#waiting.size + this.#folder.size;
  }

  /**
   * Resolves once all new events among the candidates, and the rejected records, are fsynced in the journal.
   *
   * @throws CollectorError journal_full or journal_unavailable if the journal cannot take them; nothing is kept then
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
        // An earlier write concerns the same job or held event: decide once it is on disk, or has failed.
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

  /** Runs the work while nothing else is decided. @param size approximate size of the work */
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
   * Publishes observations and held events whose time is up, and deletes expired keys. Called on a timer.
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
    // Of two observations of one request, the one that names the resource is published.
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

  /** The id under which a candidate was taken. It may differ from the candidate's own id: see GivenIds. */
  idOf(candidate: Candidate): string {
    return this.#ids.asTaken(candidate).body.event_id;
  }

  /** Hands the change to the journal. @returns a promise that resolves once the change is on disk */
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
    // Another submission of the same request may have removed them when its write failed.
    for (const key of plan.strongKeys) if (!this.#known.has(key)) this.#known.add(key, this.#options.now());
  }

  /** Reports published events that had been held. @returns how many of them were recovered */
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
