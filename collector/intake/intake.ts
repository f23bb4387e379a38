import type { Candidate, Rejection } from '../../taxonomy/map/candidate.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { isVague } from '../../taxonomy/map/keys.ts';
import type { Journal, JournalChange } from '../journal/journal.ts';
import type { SegmentKeys } from '../journal/segments.ts';
import type { SeenIds } from './seen-ids.ts';
import { CollapseWindow } from './collapse-window.ts';
import { jobKeysOf, KEY_RULE, keyOfId, keysOfLine, lineOfKey, namedKey, strongKey, vagueKey } from './intake-keys.ts';
import { IntakePlan } from './intake-plan.ts';
import { KnownKeys } from './known-keys.ts';
import { toRejectedRecord } from './rejected-record.ts';
import { bodyOfWaiting, lineOfWaiting } from './waiting-line.ts';
import { WaitingRoom, type WaitingEntry } from './waiting-room.ts';

/** What became of one candidate. */
export type Verdict = 'accepted' | 'duplicate' | 'waiting';

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
  readonly now: () => number;
  readonly observer: IntakeObserver;
}

/** Remembered keys that are let go of in one write, at most. */
const EXPIRED_PAGE = 1000;
/** After a restart, views of the last minute are known, within so many segments of the journal. */
const VIEWS_MS = 60_000;
const VIEW_SEGMENTS = 2;

/**
 * Decides for each candidate whether it is new, and puts what is new into the journal. One decision is one synchronous
 * step; what it decided is taken back when the journal could not keep it, so that a resend is not taken for a duplicate.
 */
export class Intake {
  readonly #journal: Journal;
  readonly #known: KnownKeys;
  readonly #options: IntakeOptions;
  readonly #waiting: WaitingRoom;
  readonly #collapsed = new CollapseWindow();
  /** Ids whose write is not committed yet: a duplicate of one is acknowledged only once that is. */
  readonly #pending = new Map<string, Promise<unknown>>();
  /** Rows of waiting lines that are settled and still in the journal: let go of when next something is due. */
  readonly #orphans: number[] = [];

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#known = new KnownKeys(options.seen, options.windowMs);
    this.#waiting = new WaitingRoom();
    this.#rebuild();
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves once everything new among the candidates, and the rejected records, are fsynced in the journal.
   *
   * @param refuted ids of events that did not happen: weaker observations of them are dropped
   * @throws CollectorError journal_full or journal_unavailable where the journal cannot take them; nothing is kept then
   */
  async submit(
    candidates: readonly Candidate[],
    rejected: readonly Rejection[] = [],
    origin = '',
    refuted: readonly string[] = [],
  ): Promise<readonly Verdict[]> {
    const earlier = this.#writeOfSameJob(candidates);
    if (earlier !== undefined) {
      // Which of them is the first of its job is known once that is on disk, or refused.
      await Promise.allSettled([earlier]);
      return this.submit(candidates, rejected, origin, refuted);
    }
    const now = this.#options.now();
    const plan = new IntakePlan();
    for (const id of refuted) this.#refute(id, plan, now);
    const verdicts = candidates.map((candidate) => this.#decide(candidate, plan, now));
    const change = this.#changeOf(plan, rejected, origin, now);
    const waitsFor = [...plan.dependsOn];
    if (change !== undefined) waitsFor.push(this.#write(change, plan));
    else this.#settle(plan, [], []);
    if (waitsFor.length > 0) await Promise.all(waitsFor);
    this.#report(candidates, verdicts, rejected.length, origin);
    return verdicts;
  }

  /** Publishes what has waited long enough for an observation that never came, and forgets what may be. Called on a timer. */
  async recoverDue(): Promise<number> {
    const now = this.#options.now();
    const due = this.#waiting.takeDue(now);
    const orphans = this.#orphans.splice(0);
    const expired = this.#journal.heldDue('remembered', now, EXPIRED_PAGE).map(({ id }) => id);
    if (due.length + orphans.length + expired.length === 0) return 0;
    const plan = new IntakePlan();
    plan.onUndo(() => {
      for (const entry of due) this.#waiting.putBack(entry);
      this.#orphans.push(...orphans);
    });
    // Of two observations of one request the one that knows more is published.
    const knowingFirst = due.toSorted((one, other) => Number(one.vague) - Number(other.vague));
    const recovered = knowingFirst.flatMap((entry) => this.#recover(entry, plan, now) ?? []);
    const unhold = [...orphans, ...expired, ...due.map((entry) => entry.heldId)];
    await this.#write({ ...this.#changeOf(plan, [], '', now), unhold }, plan);
    for (const body of recovered) this.#options.observer.recovered(body);
    return recovered.length;
  }

  /** @returns the event; undefined where it is settled already, or is the same view as another */
  #recover(
    { id, line, requestKey, vague, collapse }: WaitingEntry,
    plan: IntakePlan,
    now: number,
  ): FlatBody | undefined {
    if (this.#known.isSettled(id, requestKey)) return undefined;
    if (vague && requestKey !== undefined && this.#isNamed(requestKey)) return undefined;
    const body: FlatBody = { ...bodyOfWaiting(line).body, recovered: true };
    this.#known.mark(id, plan, now);
    this.#known.markWeak(body, requestKey, plan, now);
    if (!this.#counts(collapse, body, plan)) return undefined;
    plan.append.push(JSON.stringify(body));
    return body;
  }

  /** Whether an observation that names the resource is there, or waits. */
  #isNamed(requestKey: string): boolean {
    return this.#known.has(namedKey(requestKey)) || this.#waiting.hasNamed(requestKey);
  }

  #decide(candidate: Candidate, plan: IntakePlan, now: number): Verdict {
    const { body, requestKey, strong } = candidate;
    const id = keyOfId(body.event_id);
    if (this.#known.has(id)) return this.#thereAlready(id, candidate, plan, now);
    const settled = strong ? undefined : this.#known.settledBy(candidate, plan, now);
    if (settled !== undefined) return this.#duplicate(settled, plan);
    if (candidate.waits) return this.#wait(candidate, plan, now);
    const job = jobKeysOf(body);
    const isTold = job?.seenAs.some((key) => this.#known.has(key)) === true;
    if (isTold && !strong) return 'duplicate';
    const ownKeys = [id];
    if (strong && requestKey !== undefined) {
      const vague = vagueKey(requestKey);
      if (this.#known.has(vague)) return this.#thereAlready(vague, candidate, plan, now);
      ownKeys.push(strongKey(requestKey));
      plan.strongKeys.push(strongKey(requestKey));
    }
    for (const key of ownKeys) this.#known.mark(key, plan, now);
    if (!strong) this.#known.markWeak(body, requestKey, plan, now);
    this.#release(id, strong ? requestKey : undefined, plan);
    if (isTold) {
      plan.remembered.push(...ownKeys.map(lineOfKey));
      return 'duplicate';
    }
    for (const key of job?.own ?? []) this.#known.mark(key, plan, now);
    if (!this.#counts(candidate.collapse, body, plan)) return 'duplicate';
    plan.append.push(JSON.stringify(body));
    return 'accepted';
  }

  /** The event is there, perhaps by an observer that did not know the job: a strong one says which it was. */
  #thereAlready(key: string, { body, strong }: Candidate, plan: IntakePlan, now: number): Verdict {
    for (const jobKey of (strong ? jobKeysOf(body) : undefined)?.own ?? []) this.#known.remember(jobKey, plan, now);
    return this.#duplicate(key, plan);
  }

  #wait({ body, requestKey, collapse }: Candidate, plan: IntakePlan, now: number): Verdict {
    const id = keyOfId(body.event_id);
    if (this.#waiting.has(id)) return this.#duplicate(id, plan);
    const line = lineOfWaiting(body, requestKey);
    const dueMs = now + this.#options.waitMs;
    plan.hold.push({ line, dueMs, reason: 'waiting', attempts: 0 });
    plan.heldEntryIds.push(id);
    plan.onUndo(() => this.#waiting.forget([id]));
    this.#waiting.add({
      id,
      line,
      requestKey,
      vague: isVague(body),
      dueMs,
      ...(collapse !== undefined && { collapse }),
    });
    return 'waiting';
  }

  /** Weak observations of the event make none of it, those that wait and those to come, also after a restart. */
  #refute(id: string, plan: IntakePlan, now: number): void {
    const known = this.#known.refute(id, plan, now);
    if (known === undefined) this.#release(id, undefined, plan);
    else this.#duplicate(known, plan);
  }

  #release(id: string, requestKey: string | undefined, plan: IntakePlan): void {
    const claimed = this.#waiting.claim(id, requestKey);
    if (claimed.length === 0) return;
    plan.released.push(...claimed);
    plan.onUndo(() => this.#waiting.unclaim(claimed));
  }

  #counts(collapse: Candidate['collapse'], body: FlatBody, plan: IntakePlan): boolean {
    if (collapse === undefined) return true;
    const undo = this.#collapsed.count(collapse, body.created);
    if (undo !== undefined) plan.onUndo(undo);
    return undo !== undefined;
  }

  #writeOfSameJob(candidates: readonly Candidate[]): Promise<unknown> | undefined {
    if (this.#pending.size === 0) return undefined;
    for (const { body } of candidates) {
      for (const key of jobKeysOf(body)?.seenAs ?? []) {
        const write = this.#pending.get(key);
        if (write !== undefined) return write;
      }
    }
    return undefined;
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
    const hold = [...plan.hold, ...plan.remembered.map((line) => ({ ...remembered, line }))];
    const unhold = this.#waiting.heldIdsOf(plan.released);
    if (append.length + hold.length + unhold.length + rejected.length === 0) return undefined;
    return {
      ...(append.length > 0 && { append }),
      ...(hold.length > 0 && { hold }),
      ...(unhold.length > 0 && { unhold }),
      ...(rejected.length > 0 && { reject: rejected.map((one) => toRejectedRecord(one, origin, now)) }),
    };
  }

  async #write(change: JournalChange, plan: IntakePlan): Promise<void> {
    const write = this.#journal.write(change);
    const keys = [...plan.marked, ...plan.heldEntryIds];
    for (const key of keys) this.#pending.set(key, write);
    try {
      const { heldIds } = await write;
      this.#settle(plan, heldIds, change.unhold ?? []);
    } catch (error) {
      plan.undo();
      throw error;
    } finally {
      for (const key of keys) this.#pending.delete(key);
    }
  }

  #settle(plan: IntakePlan, heldIds: readonly number[], unheld: readonly number[]): void {
    this.#orphans.push(...this.#waiting.settle(plan.heldEntryIds, heldIds, plan.released, unheld));
    // Another submission of the same request, whose write failed, may have taken them back.
    for (const key of plan.strongKeys) if (!this.#known.has(key)) this.#known.add(key, this.#options.now());
  }

  #report(candidates: readonly Candidate[], verdicts: readonly Verdict[], rejected: number, origin: string): void {
    const { observer } = this.#options;
    if (rejected > 0) observer.rejected(origin, rejected);
    verdicts.forEach((verdict, index) => {
      const candidate = candidates[index];
      if (verdict === 'accepted' && candidate !== undefined) observer.accepted(candidate.body);
      else if (verdict === 'duplicate') observer.duplicate();
      else observer.waiting();
    });
  }

  /**
   * After a restart: the ids of the window, and what waits, from the journal. While we were away nobody could bring what
   * it waits for: waiting begins anew.
   */
  #rebuild(): void {
    const now = this.#options.now();
    const dueMs = now + this.#options.waitMs;
    const sinceMs = now - this.#options.windowMs;
    const { viewsFrom, linesFrom } = this.#restoreKeys(sinceMs, now);
    if (viewsFrom < linesFrom) this.#restoreViews(viewsFrom, linesFrom);
    for (const row of this.#journal.scan({ direction: 'asc', sinceMs, fromRow: linesFrom })) {
      for (const line of row.lines) {
        const { keys, viewed } = keysOfLine(line);
        for (const key of keys) if (!this.#known.has(key)) this.#known.add(key, row.atMs);
        if (viewed !== undefined) this.#collapsed.restore(viewed);
      }
    }
    for (const { line } of this.#journal.held('remembered')) this.#known.restore(line, now);
    for (const { id: heldId, line } of this.#journal.held('waiting')) {
      const { body, requestKey } = bodyOfWaiting(line);
      const id = keyOfId(body.event_id);
      if (this.#known.isSettled(id, requestKey)) this.#orphans.push(heldId);
      else this.#waiting.add({ id, line, requestKey, vague: isVague(body), dueMs, heldId });
    }
  }
  /**
   * The keys that the journal has summed up.
   *
   * @returns the rows after which lines must be read: all of the latest ones; and views that further ones may belong to
   */
  #restoreKeys(sinceMs: number, now: number): { readonly viewsFrom: number; readonly linesFrom: number } {
    const journal = this.#journal;
    const ends: { readonly lastRow: number; readonly lastMs: number }[] = [];
    function* noted(): Generator<SegmentKeys> {
      for (const segment of journal.keys(KEY_RULE.version, sinceMs)) {
        ends.push({ lastRow: segment.lastRow, lastMs: segment.lastMs });
        yield segment;
      }
    }
    this.#known.restoreSummed(noted());
    const old = ends.findIndex(({ lastMs }) => lastMs < now - VIEWS_MS);
    const views = Math.min(old === -1 ? ends.length : old, VIEW_SEGMENTS);
    return { viewsFrom: ends[views]?.lastRow ?? 0, linesFrom: ends[0]?.lastRow ?? 0 };
  }

  #restoreViews(after: number, to: number): void {
    for (const { row, lines } of this.#journal.scan({ direction: 'asc', fromRow: after, types: ['view.resource'] })) {
      if (row > to) return;
      for (const line of lines) {
        const { viewed } = keysOfLine(line);
        if (viewed !== undefined) this.#collapsed.restore(viewed);
      }
    }
  }
}
