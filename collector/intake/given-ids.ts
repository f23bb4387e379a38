import { anothersEventId } from '../../taxonomy/event-id.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { isDerivedForm, keyOfId, ownKey, statedKey, type JobKeys } from './intake-keys.ts';
import type { IntakePlan } from './intake-plan.ts';
import type { KnownKeys } from './known-keys.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** The ids under which events are taken: their own, unless another producer has used that, or other collectors give another. */
export class GivenIds {
  readonly #known: KnownKeys;
  readonly #waiting: WaitingRoom;
  readonly #amongOthers: boolean;
  /** Candidates whose id is another one than they came with, as they were taken. */
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

  /** What a producer states: its id counts within the producer. */
  stated(producer: string, candidate: Candidate, plan: IntakePlan, now: number): Candidate | { readonly own: string } {
    const { body } = candidate;
    const id = keyOfId(body.event_id);
    const own = ownKey(producer, body.event_id);
    const isOwn = this.#known.has(own);
    if (this.#amongOthers || isOwn || this.#known.has(id) || this.#waiting.has(id)) {
      const otherId = anothersEventId(producer, body.event_id);
      // Whether others have used the id at another collector, nobody knows: so no producer's is taken as it is.
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

  /** What follows from an observation is never taken for what somebody stated by the same id: that could be anybody. */
  observed(candidate: Candidate): Candidate {
    const id = this.free(candidate.body.event_id);
    return id === candidate.body.event_id ? candidate : this.#rename(candidate, id);
  }

  /** @param id that follows from an observation */
  free(id: string): string {
    // Whoever has stated it is known by the id as well, which costs less to look for.
    const isThere = isDerivedForm(id) && (this.#known.isSettled(id, undefined) || this.#waiting.has(id));
    return isThere && this.#known.has(statedKey(id)) ? anothersEventId('', id) : id;
  }

  /** Of one job each collector gives the event the same id, whoever reported it there. */
  ofJob(candidate: Candidate, job: JobKeys | undefined, plan: IntakePlan, now: number): Candidate {
    if (job === undefined || !this.#amongOthers) return candidate;
    const named = this.#rename(candidate, job.sharedId);
    this.#known.mark(named.body.event_id, plan, now);
    // By the id that it came with it is known as well, also after a restart.
    plan.keys.push(keyOfId(candidate.body.event_id));
    return named;
  }

  #rename(candidate: Candidate, id: string): Candidate {
    const renamed = { ...candidate, body: { ...candidate.body, event_id: id } };
    this.#renamed.set(candidate, renamed);
    return renamed;
  }
}
