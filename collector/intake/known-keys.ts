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

/** What is known of events within the window: those that are there, and those that did not happen. */
export class KnownKeys {
  readonly #seen: SeenIds;
  /** Ids that a capture refuted: they settle weak observations, and no others. */
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

  /** What the journal has summed up of its events. */
  restoreSummed(segments: Parameters<SeenIds['restore']>[0]): void {
    this.#seen.restore(segments);
  }

  /** @param line that the journal remembers */
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

  /** Marks what no event in the journal brings back after a restart. */
  remember(key: string, plan: IntakePlan, now: number): void {
    if (this.#seen.has(key)) return;
    this.mark(key, plan, now);
    plan.remembered.push(lineOfKey(key));
  }

  /** What an event by a weak observation says of its request to the other observers of it. */
  markWeak(body: FlatBody, requestKey: string | undefined, plan: IntakePlan, now: number): void {
    if (requestKey === undefined) return;
    const isInItsLine = body['recovered'] === true && requestKey === traceKeyOf(body);
    for (const key of weakKeysOf(body, requestKey))
      if (isInItsLine) this.mark(key, plan, now);
      else this.remember(key, plan, now);
  }

  /** @returns the key by which it is known already, that it did not happen or that it did; undefined where it is new */
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

  /** Whether the event of a weak observation is there, or did not happen, or is the capture's to tell. */
  isSettled(id: string, requestKey: string | undefined): boolean {
    if (this.#seen.has(id) || this.#refuted.has(id)) return true;
    return requestKey !== undefined && this.#seen.has(strongKey(requestKey));
  }

  /** @returns the key by which a weak observation is settled; undefined where it is to be told of */
  settledBy({ body, requestKey }: Candidate, plan: IntakePlan, now: number): string | undefined {
    const id = keyOfId(body.event_id);
    if (this.#refuted.has(id)) return refutedKey(id);
    if (requestKey === undefined) return undefined;
    if (this.#seen.has(strongKey(requestKey))) return strongKey(requestKey);
    if (!mayBeVague(body)) return undefined;
    if (isVague(body)) return this.#seen.has(namedKey(requestKey)) ? namedKey(requestKey) : undefined;
    if (!this.#seen.has(vagueKey(requestKey)) || this.#seen.has(matchedKey(requestKey))) return undefined;
    // One of those that this observer names is the one that another told of without naming it.
    for (const key of [matchedKey(requestKey), id]) this.remember(key, plan, now);
    return vagueKey(requestKey);
  }
}
