import type { Candidate } from '../../taxonomy/map/candidate.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { isVague } from '../../taxonomy/map/keys.ts';
import type { EventFolder } from './event-folder.ts';
import type { GivenIds } from './given-ids.ts';
import { jobKeysOf, keyOfId, lineOfKey, namedKey, strongKey, vagueKey } from './intake-keys.ts';
import type { IntakePlan } from './intake-plan.ts';
import type { KnownKeys } from './known-keys.ts';
import type { UnsettledWrites } from './unsettled-writes.ts';
import { lineOfWaiting, waitingOf } from './waiting-line.ts';
import type { WaitingEntry, WaitingRoom } from './waiting-room.ts';

/** The outcome for one candidate. */
export type Verdict = 'accepted' | 'duplicate' | 'waiting' | 'held';

interface DecidingParts {
  readonly known: KnownKeys;
  readonly waiting: WaitingRoom;
  readonly folder: EventFolder;
  readonly ids: GivenIds;
  readonly writes: UnsettledWrites;
  readonly waitMs: number;
}

/** Decides whether an observation becomes an event, is a duplicate, or waits. The consequences go into the plan. */
export class Deciding {
  readonly #known: KnownKeys;
  readonly #waiting: WaitingRoom;
  readonly #folder: EventFolder;
  readonly #ids: GivenIds;
  readonly #writes: UnsettledWrites;
  readonly #waitMs: number;

  constructor({ known, waiting, folder, ids, writes, waitMs }: DecidingParts) {
    this.#known = known;
    this.#waiting = waiting;
    this.#folder = folder;
    this.#ids = ids;
    this.#writes = writes;
    this.#waitMs = waitMs;
  }

  decide(candidate: Candidate, plan: IntakePlan, now: number): Verdict {
    const { producer } = candidate;
    if (producer === undefined) return this.#decideNamed(this.#ids.observed(candidate), plan, now);
    const named = this.#ids.stated(producer, candidate, plan, now);
    return 'own' in named ? this.#duplicate(named.own, plan) : this.#decideNamed(named, plan, now);
  }

  /** Drops weak observations of an event that did not happen: those that wait, and those to come, also after a restart. */
  refute(id: string, plan: IntakePlan, now: number): void {
    const free = this.#ids.free(id);
    const known = this.#known.refute(free, plan, now);
    if (known === undefined) this.#release(free, [], plan);
    else this.#duplicate(known, plan);
  }

  /**
   * Handles an observation whose waiting time is over.
   *
   * @returns the event; undefined if it is settled already, is held, or is the same as another
   */
  recover({ id, line, requestKey, vague }: WaitingEntry, plan: IntakePlan, now: number): FlatBody | undefined {
    if (this.#known.isSettled(id, requestKey)) return undefined;
    if (vague && requestKey !== undefined && this.#isNamed(requestKey)) return undefined;
    const waiting = waitingOf(line);
    const body: FlatBody = { ...waiting.body, recovered: true };
    this.#known.mark(id, plan, now);
    this.#known.markWeak(body, requestKey, plan, now);
    return this.#folder.take({ ...waiting, body }, plan, now) === 'accepted' ? body : undefined;
  }

  /** Whether an observation that names the resource was taken, or waits. */
  #isNamed(requestKey: string): boolean {
    return this.#known.has(namedKey(requestKey)) || this.#waiting.hasNamed(requestKey);
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
      // The waiting room is full: continue at once, as if the waiting time were over.
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
    // The event's line does not say that a capture observed it, because anyone could post such a line.
    const verdict = this.#folder.take(this.#ids.ofJob(candidate, job, plan, now), plan, now, strongKeys);
    // Keeps what only a weaker observation knows.
    if (verdict !== 'accepted' && candidate.collapse !== undefined)
      for (const { line } of released) this.#folder.contribute(waitingOf(line), plan, now);
    return verdict;
  }

  /** The event exists already, perhaps from an observer that did not know its job; a strong observation adds the job. */
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
    const dueMs = now + this.#waitMs;
    plan.hold.push({ line, dueMs, reason: 'waiting', attempts: 0 });
    plan.heldEntryIds.push(id);
    plan.onUndo(() => this.#waiting.forget([id]));
    this.#waiting.add({ id, line, requestKey, vague: isVague(body), dueMs });
    return 'waiting';
  }

  #release(id: string, requestKeys: readonly (string | undefined)[], plan: IntakePlan): readonly WaitingEntry[] {
    const claimed = this.#waiting.claim(id, requestKeys);
    if (claimed.length === 0) return claimed;
    plan.released.push(...claimed.map((entry) => entry.id));
    plan.onUndo(() => this.#waiting.unclaim(claimed));
    return claimed;
  }

  /** The event with this key may not be on disk yet. Its duplicate is acknowledged only once it is. */
  #duplicate(key: string, plan: IntakePlan): Verdict {
    const pending = this.#writes.ofKey(key);
    if (pending !== undefined) plan.dependsOn.add(pending);
    return 'duplicate';
  }
}
