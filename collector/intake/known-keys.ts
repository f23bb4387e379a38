import type { Candidate } from '../../taxonomy/map/candidate.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { isVague, mayBeVague, traceKeyOf } from '../../taxonomy/map/keys.ts';
import {
  keyOfId,
  lineOfKey,
  matchedKey,
  namedKey,
  refutedKey,
  rememberedOf,
  strongKey,
  vagueKey,
  weakKeysOf,
} from './intake-keys.ts';
import type { IntakePlan } from './intake-plan.ts';
import { SeenIds } from './seen-ids.ts';

/** Keys of the events within the window: those that exist, and those that did not happen. */
export class KnownKeys {
  readonly #seen: SeenIds;
  /** Ids that a capture refuted. They settle only weak observations. */
  readonly #refuted: SeenIds;

  constructor(seen: SeenIds, windowMs: number) {
    this.#seen = seen;
    this.#refuted = new SeenIds({ windowMs });
  }

  has(key: string): boolean {
    return this.#seen.has(key);
  }

  add(key: string, atMs: number): void {
    this.#seen.add(key, atMs);
  }

  /** Restores the keys that the journal has stored per segment. */
  restoreSummed(segments: Parameters<SeenIds['restore']>[0]): void {
    this.#seen.restore(segments);
  }

  /** @param line a remembered line of the journal */
  restore(line: string, nowMs: number): void {
    const remembered = rememberedOf(line);
    if ('refuted' in remembered) this.#refuted.add(remembered.refuted, nowMs);
    else this.#seen.add(remembered.key, nowMs);
  }

  mark(key: string, plan: IntakePlan, now: number): void {
    if (this.#seen.has(key)) return;
    this.#seen.add(key, now);
    plan.marked.push(key);
    plan.onUndo(() => this.#seen.delete(key));
  }

  /** Marks a key that no event in the journal restores after a restart. */
  remember(key: string, plan: IntakePlan, now: number): void {
    if (this.#seen.has(key)) return;
    this.mark(key, plan, now);
    plan.remembered.push(lineOfKey(key));
  }

  /** Marks what an event from a weak observation means for other observations of its request. */
  markWeak(body: FlatBody, requestKey: string | undefined, plan: IntakePlan, now: number): void {
    if (requestKey === undefined) return;
    const isInItsLine = body['recovered'] === true && requestKey === traceKeyOf(body);
    for (const key of weakKeysOf(body, requestKey))
      if (isInItsLine) this.mark(key, plan, now);
      else this.remember(key, plan, now);
  }

  /** @returns the key that shows that the event exists, or that it was refuted before; undefined if the refutation is new */
  refute(id: string, plan: IntakePlan, now: number): string | undefined {
    if (this.#seen.has(id)) return id;
    const key = refutedKey(id);
    if (this.#refuted.has(id)) return key;
    this.#refuted.add(id, now);
    plan.marked.push(key);
    plan.remembered.push(id);
    plan.onUndo(() => this.#refuted.delete(id));
    return undefined;
  }

  /** Whether a weak observation is settled: its event exists, did not happen, or was observed by the capture. */
  isSettled(id: string, requestKey: string | undefined): boolean {
    if (this.#seen.has(id) || this.#refuted.has(id)) return true;
    return requestKey !== undefined && this.#seen.has(strongKey(requestKey));
  }

  /** @returns the key by which a weak observation is settled; undefined if it is not settled */
  settledBy({ body, requestKey }: Candidate, plan: IntakePlan, now: number): string | undefined {
    const id = keyOfId(body.event_id);
    if (this.#refuted.has(id)) return refutedKey(id);
    if (requestKey === undefined) return undefined;
    if (this.#seen.has(strongKey(requestKey))) return strongKey(requestKey);
    if (!mayBeVague(body)) return undefined;
    if (isVague(body)) return this.#seen.has(namedKey(requestKey)) ? namedKey(requestKey) : undefined;
    if (!this.#seen.has(vagueKey(requestKey)) || this.#seen.has(matchedKey(requestKey))) return undefined;
    // One of this observer's named events is the event that another reported without a name: count the first as that.
    for (const key of [matchedKey(requestKey), id]) this.remember(key, plan, now);
    return vagueKey(requestKey);
  }
}
