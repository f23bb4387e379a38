import { backOff, type PauseBounds } from '../runtime/sending/back-off.ts';

/**
 * How long a routing key gets only nacks before the channel is doubted. The time grows with each vain renewal, for a queue may
 * really be full.
 */
const DOUBT_MS: PauseBounds = { first: 5000, longest: 60_000 };
/** No jitter: this is checked repeatedly, so the shortest random pause would count. */
const NO_JITTER = (): number => 1;

/**
 * Tells a full queue from a channel that must be reopened; both cause nacks. RabbitMQ looks up a quorum queue's leader once per
 * publishing channel. If that leader is gone and no other is elected yet, some versions (3.10) refuse everything on this
 * channel for as long as it is open. A new channel finds the new leader.
 */
export class NackedTopics {
  readonly #now: () => number;
  /** When each routing key began to get only nacks on this channel. */
  readonly #since = new Map<string, number>();
  /** Routing keys that caused the last channel to be given up and have had nothing confirmed since. */
  readonly #doubted = new Set<string>();
  /** Channels given up in a row to no effect. */
  #failures = 0;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  nacked(routingKey: string): void {
    if (!this.#since.has(routingKey)) this.#since.set(routingKey, this.#now());
  }

  /** Call this when every queue bound to the routing key has taken a message. */
  taken(routingKey: string): void {
    if (this.#since.size > 0) this.#since.delete(routingKey);
    if (this.#doubted.size > 0 && this.#doubted.delete(routingKey)) this.#failures = 0;
  }

  /** Call this when a new channel opens. */
  begun(): void {
    this.#since.clear();
  }

  /** @returns whether to give up the channel, because a routing key has had only nacks for too long */
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
