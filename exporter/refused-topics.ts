import { topicRefusedBy } from '../runtime/amqp/protocol-error.ts';
import { backOff, type PauseBounds } from '../runtime/sending/back-off.ts';

interface Refusal {
  readonly reason: string;
  readonly failures: number;
  readonly until: number;
}

/**
 * How long a topic counts as refused before the broker is asked again. Each refusal closes the channel, which delays all
 * others.
 */
const PAUSE_MS: PauseBounds = { first: 1000, longest: 10_000 };

/** Routing keys that the broker's topic permissions forbid us to write. */
export class RefusedTopics {
  readonly #refusals = new Map<string, Refusal>();
  readonly #now: () => number;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** @returns the routing key that the error is about, if it was refused before: no other message is to blame */
  refusedAgain(error: Error): string | undefined {
    const topic = topicRefusedBy(error);
    return topic !== undefined && this.#refusals.has(topic) ? topic : undefined;
  }

  /**
   * Call this when the broker has refused a message for good. @returns whether it refuses every message with this routing key
   */
  learn(routingKey: string, error: Error, reason: string): boolean {
    if (topicRefusedBy(error) !== routingKey) return false;
    const failures = (this.#refusals.get(routingKey)?.failures ?? 0) + 1;
    this.#refusals.set(routingKey, { reason, failures, until: this.#now() + backOff(failures, PAUSE_MS, Math.random) });
    return true;
  }

  /** Call this when the broker has taken a message with this routing key. */
  forget(routingKey: string): void {
    if (this.#refusals.size > 0) this.#refusals.delete(routingKey);
  }

  /** @returns the broker's reason for refusing the routing key; undefined if the broker should be asked */
  reasonFor(routingKey: string): string | undefined {
    if (this.#refusals.size === 0) return undefined;
    const refusal = this.#refusals.get(routingKey);
    return refusal === undefined || refusal.until <= this.#now() ? undefined : refusal.reason;
  }
}
