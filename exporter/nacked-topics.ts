import { backOff, type PauseBounds } from '../runtime/sending/back-off.ts';

/**
 * How long a routing key may get nothing but nacks before the channel is doubted. If the queue is really full, this
 * grows.
 */
const DOUBT_MS: PauseBounds = { first: 5000, longest: 60_000 };
/** No jitter: this is checked repeatedly, so the shortest random pause would count. */
const NO_JITTER = (): number => 1;

/**
 * Tells a stale channel from a full queue; both nack. RabbitMQ asks for a quorum queue's leader once per publishing
 * channel. If that leader is gone and no other is elected yet, some versions (3.10) refuse everything on this channel
 * for as long as it is open. A new channel finds the new leader.
 */
export class NackedTopics {
  readonly #now: () => number;
  /** Since when each routing key has got nothing but nacks on this channel. */
  readonly #since = new Map<string, number>();
  /** Routing keys for which the last channel was given up, and which have had no confirm since. */
  readonly #doubted = new Set<string>();
  /** Channels in a row that were given up in vain. */
  #failures = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  nacked(routingKey: string): void {
    if (!this.#since.has(routingKey)) this.#since.set(routingKey, this.#now());
  }

  /** Every queue bound to the routing key accepted a message. */
  taken(routingKey: string): void {
    if (this.#since.size > 0) this.#since.delete(routingKey);
    if (this.#doubted.size > 0 && this.#doubted.delete(routingKey)) this.#failures = 0;
  }

  /** A new channel was opened. */
  begun(): void {
    this.#since.clear();
  }

  /** @returns whether to give up the channel: some routing key has long had nothing but nacks on it */
  giveUp(): boolean {
    if (this.#since.size === 0) return false;
    const limit = this.#now() - backOff(this.#failures + 1, DOUBT_MS, NO_JITTER);
    const doubted = [...this.#since].filter(([, since]) => since <= limit);
    if (doubted.length === 0) return false;
    this.#failures += 1;
    for (const [routingKey] of doubted) this.#doubted.add(routingKey);
    return true;
  }
}
