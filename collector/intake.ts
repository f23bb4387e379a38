import type { Candidate, Rejection } from '../taxonomy/map.ts';
import { traceKeyOf } from '../taxonomy/map.ts';
import { redactText } from '../taxonomy/redaction.ts';
import type { FlatBody } from '../taxonomy/flat-body.ts';
import type { Journal, JournalChange } from './journal/journal.ts';
import type { SeenIds } from './seen-ids.ts';
import { CollapseWindow } from './collapse-window.ts';
import { WaitingRoom } from './waiting-room.ts';

/** What became of one candidate. */
export type Verdict = 'accepted' | 'duplicate' | 'waiting';

export interface IntakeObserver {
  accepted(body: FlatBody): void;
  duplicate(): void;
  waiting(): void;
  recovered(): void;
  rejected(origin: string, count: number): void;
}

export interface IntakeOptions {
  readonly journal: Journal;
  readonly seen: SeenIds;
  readonly waitMs: number;
  /** How far back ids are rebuilt from the journal. */
  readonly windowMs: number;
  readonly now: () => number;
  readonly observer: IntakeObserver;
}

/** Stands in the seen ids for "a strong observation of this type was seen in this trace". */
const STRONG = 'strong:';
/** Stands in the seen ids for "an event without resource was recovered for this trace and type". */
const RECOVERED = 'recovered:';

/**
 * Decides for each candidate whether it is new, and puts what is new into the journal. One decision is one synchronous
 * step; what it decided is taken back when the journal could not keep it, so that a resend is not taken for a duplicate.
 */
export class Intake {
  readonly #journal: Journal;
  readonly #seen: SeenIds;
  readonly #options: IntakeOptions;
  readonly #waiting: WaitingRoom;
  readonly #collapsed = new CollapseWindow();
  /** Ids whose write is not committed yet: a duplicate of one is acknowledged only once that is. */
  readonly #pending = new Map<string, Promise<unknown>>();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#journal = options.journal;
    this.#seen = options.seen;
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
   * @throws JournalError where the journal cannot take them; nothing is kept then
   */
  async submit(
    candidates: readonly Candidate[],
    rejected: readonly Rejection[] = [],
    origin = '',
    refuted: readonly string[] = [],
  ): Promise<readonly Verdict[]> {
    const now = this.#options.now();
    const plan = new Plan(this.#waiting);
    const verdicts = candidates.map((candidate) => this.#decide(candidate, plan, now));
    for (const id of refuted) this.#refute(id, plan, now);
    const change = plan.change(rejected, origin, now);
    const waitsFor = [...plan.dependsOn];
    if (change !== undefined) waitsFor.push(this.#commit(change, plan));
    if (waitsFor.length > 0) await Promise.all(waitsFor);
    this.#report(candidates, verdicts, rejected.length, origin);
    return verdicts;
  }

  /** Publishes what has waited long enough for an observation that never came. Called on a timer. */
  async recoverDue(): Promise<number> {
    const now = this.#options.now();
    const due = this.#waiting.takeDue(now);
    if (due.length === 0) return 0;
    const keys = due.flatMap((entry) =>
      entry.traceKey === undefined ? [entry.id] : [entry.id, RECOVERED + entry.traceKey],
    );
    for (const key of keys) this.#seen.add(key, now);
    const write = this.#journal.write({
      append: due.map((entry) => asRecovered(entry.line)),
      unhold: due.map((entry) => entry.heldId),
    });
    for (const entry of due) this.#pending.set(entry.id, write);
    try {
      await write;
    } catch (error) {
      for (const key of keys) this.#seen.delete(key);
      for (const entry of due) this.#waiting.putBack(entry);
      throw error;
    } finally {
      for (const entry of due) this.#pending.delete(entry.id);
    }
    for (const _ of due) this.#options.observer.recovered();
    return due.length;
  }

  #decide(candidate: Candidate, plan: Plan, now: number): Verdict {
    const { body, traceKey } = candidate;
    const id = body.event_id;
    const pending = this.#pending.get(id);
    if (this.#seen.has(id)) return this.#duplicate(plan, pending);
    if (candidate.waits) {
      if (this.#waiting.has(id) || (traceKey !== undefined && this.#seen.has(STRONG + traceKey)))
        return this.#duplicate(plan, pending);
      plan.hold(candidate, now + this.#options.waitMs);
      this.#waiting.add({ id, line: JSON.stringify(body), traceKey, dueMs: now + this.#options.waitMs });
      return 'waiting';
    }
    if (candidate.strong && traceKey !== undefined && this.#seen.has(RECOVERED + traceKey))
      return this.#duplicate(plan, pending);
    plan.mark(this.#seen, id, now);
    if (candidate.strong && traceKey !== undefined && !this.#seen.has(STRONG + traceKey))
      plan.mark(this.#seen, STRONG + traceKey, now);
    plan.release(id, candidate.strong ? traceKey : undefined);
    if (candidate.collapse !== undefined && this.#collapsed.holds(candidate.collapse, body.created)) {
      this.#options.observer.duplicate();
      return 'duplicate';
    }
    if (body.event === 'view.resource') plan.open(this.#collapsed, body);
    plan.append(JSON.stringify(body));
    return 'accepted';
  }

  /** As if the event were there already: whoever would make one of it later makes none. */
  #refute(id: string, plan: Plan, now: number): void {
    if (this.#seen.has(id)) return;
    plan.mark(this.#seen, id, now);
    plan.release(id, undefined);
  }

  #duplicate(plan: Plan, pending: Promise<unknown> | undefined): Verdict {
    if (pending !== undefined) plan.dependsOn.add(pending);
    return 'duplicate';
  }

  async #commit(change: JournalChange, plan: Plan): Promise<void> {
    const write = this.#journal.write(change);
    for (const id of plan.ids) this.#pending.set(id, write);
    try {
      const { heldIds } = await write;
      const orphans = this.#waiting.settle(plan.heldEntryIds, heldIds, plan.released);
      if (orphans.length > 0) await this.#journal.write({ unhold: orphans });
    } catch (error) {
      plan.undo(this.#seen, this.#collapsed);
      throw error;
    } finally {
      for (const id of plan.ids) this.#pending.delete(id);
    }
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

  /** After a restart: the ids of the window, and what waits, from the journal. */
  #rebuild(): void {
    const since = this.#options.now() - this.#options.windowMs;
    for (const row of this.#journal.scan({ direction: 'asc', sinceMs: since })) {
      for (const line of row.lines) this.#remember(line, row.atMs);
    }
    const settled: number[] = [];
    for (const held of this.#journal.held()) {
      if (held.reason !== 'waiting') continue;
      const body = JSON.parse(held.line) as FlatBody;
      const trace = body['trace_id'];
      const traceKey =
        body['resource_id'] === undefined && typeof trace === 'string' ? traceKeyOf(trace, body.event) : undefined;
      if (this.#seen.has(body.event_id) || (traceKey !== undefined && this.#seen.has(STRONG + traceKey)))
        settled.push(held.id);
      else this.#waiting.add({ id: body.event_id, line: held.line, traceKey, dueMs: held.dueMs, heldId: held.id });
    }
    // Losing this write loses nothing: the same lines are found settled at the next start.
    if (settled.length > 0) this.#journal.write({ unhold: settled }).catch(() => undefined);
  }

  #remember(line: string, atMs: number): void {
    const id = /^\{"event_id":"([^"\\]*)"/.exec(line)?.[1];
    const needsBody =
      id === undefined ||
      line.includes('"source":"proxy"') ||
      line.includes('"recovered":true') ||
      line.includes('"event":"view.resource"');
    if (!needsBody) {
      this.#seen.add(id, atMs);
      return;
    }
    const body = JSON.parse(line) as FlatBody;
    this.#seen.add(body.event_id, atMs);
    const trace = body['trace_id'];
    if (typeof trace === 'string') {
      if (body['recovered'] === true && body['resource_id'] === undefined)
        this.#seen.add(RECOVERED + traceKeyOf(trace, body.event), atMs);
      else if (body['source'] === 'proxy') this.#seen.add(STRONG + traceKeyOf(trace, body.event), atMs);
    }
    if (body.event === 'view.resource') this.#collapsed.open(body);
  }
}

/** What one submission changes: gathered while it decides, so that it can be written at once, or taken back. */
class Plan {
  readonly #waiting: WaitingRoom;
  readonly #append: string[] = [];
  readonly #hold: { line: string; dueMs: number; reason: 'waiting'; attempts: number }[] = [];
  readonly #marked: string[] = [];
  readonly #opened: FlatBody[] = [];
  readonly heldEntryIds: string[] = [];
  readonly released: string[] = [];
  readonly dependsOn = new Set<Promise<unknown>>();

  constructor(waiting: WaitingRoom) {
    this.#waiting = waiting;
  }

  get ids(): readonly string[] {
    return [...this.#marked, ...this.heldEntryIds];
  }

  append(line: string): void {
    this.#append.push(line);
  }

  hold(candidate: Candidate, dueMs: number): void {
    this.#hold.push({ line: JSON.stringify(candidate.body), dueMs, reason: 'waiting', attempts: 0 });
    this.heldEntryIds.push(candidate.body.event_id);
  }

  mark(seen: SeenIds, key: string, now: number): void {
    seen.add(key, now);
    this.#marked.push(key);
  }

  open(collapsed: CollapseWindow, body: FlatBody): void {
    collapsed.open(body);
    this.#opened.push(body);
  }

  release(id: string, traceKey: string | undefined): void {
    this.released.push(...this.#waiting.claim(id, traceKey));
  }

  change(rejected: readonly Rejection[], origin: string, atMs: number): JournalChange | undefined {
    const unhold = this.#waiting.heldIdsOf(this.released);
    const change: JournalChange = {
      ...(this.#append.length > 0 && { append: this.#append }),
      ...(this.#hold.length > 0 && { hold: this.#hold }),
      ...(unhold.length > 0 && { unhold }),
      ...(rejected.length > 0 && {
        reject: rejected.map((one) => ({
          atMs,
          origin,
          code: one.code,
          message: one.message.slice(0, 4096),
          record: bounded(one.record),
        })),
      }),
    };
    return Object.keys(change).length === 0 ? undefined : change;
  }

  undo(seen: SeenIds, collapsed: CollapseWindow): void {
    for (const key of this.#marked) seen.delete(key);
    for (const body of this.#opened) collapsed.close(body);
    this.#waiting.forget(this.heldEntryIds);
    this.#waiting.unclaim(this.released);
  }
}

const RECORD_MAX = 65_536;

function bounded(record: unknown): string {
  const text =
    JSON.stringify(record, (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : typeof value === 'string' ? redactText(value.slice(0, 8192)) : value,
    ) ?? 'null';
  return text.length > RECORD_MAX ? JSON.stringify({ truncated: text.slice(0, RECORD_MAX) }) : text;
}

function asRecovered(line: string): string {
  return JSON.stringify({ ...(JSON.parse(line) as FlatBody), recovered: true });
}
