import { anothersEventId } from '../../taxonomy/event-id.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { isDerivedForm, keyOfId, ownKey, statedKey, type JobKeys } from './intake-keys.ts';
import type { IntakePlan } from './intake-plan.ts';
import type { KnownKeys } from './known-keys.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** The id under which an event is taken: its own, unless another producer has used it or other collectors take events too. */
export class GivenIds {
  readonly #known: KnownKeys;
  readonly #waiting: WaitingRoom;
  readonly #amongOthers: boolean;
  /** Candidates that got a new id, each with the candidate as taken. */
  readonly #renamed = new WeakMap<Candidate, Candidate>();

  /** @param amongOthers whether other collectors take events as well (docs/adr/019) */
  constructor(known: KnownKeys, waiting: WaitingRoom, amongOthers: boolean) {
    this.#known = known;
    this.#waiting = waiting;
    this.#amongOthers = amongOthers;
  }

  asTaken(candidate: Candidate): Candidate {
    const renamed = this.#renamed.get(candidate);
    return renamed === undefined ? candidate : this.asTaken(renamed);
  }

  /** Takes a stated event. Its id is unique only within its producer. */
  stated(producer: string, candidate: Candidate, plan: IntakePlan, now: number): Candidate | { readonly own: string } {
    const { body } = candidate;
    const id = keyOfId(body.event_id);
    const own = ownKey(producer, body.event_id);
    const isOwn = this.#known.has(own);
    if (this.#amongOthers || isOwn || this.#known.has(id) || this.#waiting.has(id)) {
      const otherId = anothersEventId(producer, body.event_id);
      // Another producer may have used the id at another collector, so no stated id is taken unchanged.
      if (this.#amongOthers || !isOwn || this.#known.has(otherId)) this.#rename(candidate, otherId);
    }
    if (isOwn) return { own };
    const isItsOwn = !this.#renamed.has(candidate) && isDerivedForm(body.event_id);
    for (const key of isItsOwn ? [own, statedKey(body.event_id)] : [own]) {
      this.#known.mark(key, plan, now);
      plan.keys.push(key);
    }
    return this.#renamed.get(candidate) ?? candidate;
  }

  /** An observed event is never a duplicate of a stated one with the same id, because anyone could state it. */
  observed(candidate: Candidate): Candidate {
    const id = this.free(candidate.body.event_id);
    return id === candidate.body.event_id ? candidate : this.#rename(candidate, id);
  }

  /** @param id an id that follows from an observation */
  free(id: string): string {
    // A stated id is itself among the known ids; that check is cheaper, so it comes first.
    const isThere = isDerivedForm(id) && (this.#known.isSettled(id, undefined) || this.#waiting.has(id));
    return isThere && this.#known.has(statedKey(id)) ? anothersEventId('', id) : id;
  }

  /** All collectors give the same event of one job the same id, whoever reported it. */
  ofJob(candidate: Candidate, job: JobKeys | undefined, plan: IntakePlan, now: number): Candidate {
    if (job === undefined || !this.#amongOthers) return candidate;
    const named = this.#rename(candidate, job.sharedId);
    this.#known.mark(named.body.event_id, plan, now);
    // The event stays known by its original id too, also after a restart.
    plan.keys.push(keyOfId(candidate.body.event_id));
    return named;
  }

  #rename(candidate: Candidate, id: string): Candidate {
    const renamed = { ...candidate, body: { ...candidate.body, event_id: id } };
    this.#renamed.set(candidate, renamed);
    return renamed;
  }
}
