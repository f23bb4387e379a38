import { backOff, type PauseBounds } from '../runtime/sending/back-off.ts';

/** For how long a routing key gets nothing but nacks before the channel is doubted; of a queue that is really full, ever more seldom. */
const DOUBT_MS: PauseBounds = { first: 5000, longest: 60_000 };
/** It is looked at again and again: of pauses drawn each time, the shortest would count. */
const NO_JITTER = (): number => 1;

/**
 * Tells a channel that is to be opened anew from a queue that is full; both nack. RabbitMQ asks a quorum queue's leader once
 * for each channel that publishes to it. If that leader is gone, and no other is elected yet, some versions (3.10) refuse
 * whatever comes on this channel for as long as it is open. A new channel finds the new leader.
 */
export class NackedTopics {
  readonly #now: () => number;
  /** Since when each routing key has got nothing but nacks, on this channel. */
  readonly #since = new Map<string, number>();
  /** Those for which the last channel was given up, and that nothing was confirmed of since. */
  readonly #doubted = new Set<string>();
  /** Channels that were given up in a row, in vain. */
  #failures = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  nacked(routingKey: string): void {
    if (!this.#since.has(routingKey)) this.#since.set(routingKey, this.#now());
  }

  /** Every queue that the routing key leads to took one. */
  taken(routingKey: string): void {
    if (this.#since.size > 0) this.#since.delete(routingKey);
    if (this.#doubted.size > 0 && this.#doubted.delete(routingKey)) this.#failures = 0;
  }

  /** There is a new channel. */
  begun(): void {
    this.#since.clear();
  }

  /** @returns whether the channel is to be given up: of some routing key it has had nothing but nacks for long */
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
