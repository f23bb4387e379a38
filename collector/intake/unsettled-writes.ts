import type { Candidate, Denial } from '../../taxonomy/map/candidate.ts';
import type { Sliced } from '../slices.ts';
import { jobKeysOf } from './intake-keys.ts';
import type { IntakePlan } from './intake-plan.ts';

/** Writes in progress, by the keys that depend on them. */
export class UnsettledWrites {
  /** By ids and keys. A duplicate is acknowledged only once the original is on disk. */
  readonly #byKey = new Map<string, Promise<unknown>>();
  /** By the keys of held events that further observations may add to. */
  readonly #byEvent = new Map<string, Promise<unknown>>();

  ofKey(key: string): Promise<unknown> | undefined {
    return this.#byKey.get(key);
  }

  hasEvent(key: string): boolean {
    return this.#byEvent.has(key);
  }

  /** @returns the first write whose outcome must be known before any of these is decided on */
  *inTheWay(candidates: readonly Candidate[], denied: readonly Denial[]): Sliced<Promise<unknown> | undefined> {
    if (this.#byKey.size + this.#byEvent.size === 0) return undefined;
    for (const { body, collapse } of candidates) {
      for (const key of jobKeysOf(body)?.seenAs ?? []) {
        const write = this.#byKey.get(key);
        if (write !== undefined) return write;
      }
      const write = collapse === undefined ? undefined : this.#byEvent.get(collapse.key);
      if (write !== undefined) return write;
      yield;
    }
    for (const { key } of denied) {
      const write = this.#byEvent.get(key);
      if (write !== undefined) return write;
      yield;
    }
    return undefined;
  }

  *begin(write: Promise<unknown>, plan: IntakePlan): Sliced<void> {
    for (const key of plan.writtenKeys()) {
      this.#byKey.set(key, write);
      yield;
    }
    for (const { key } of plan.gathered.values()) {
      this.#byEvent.set(key, write);
      yield;
    }
  }

  end(plan: IntakePlan): void {
    for (const { key } of plan.gathered.values()) this.#byEvent.delete(key);
    for (const key of plan.writtenKeys()) this.#byKey.delete(key);
  }
}
