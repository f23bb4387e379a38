import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A queue of a consumer, bound to `clowder.metrics`. */
export interface Queue {
  readonly name: string;
  bound: boolean;
  /** `x-overflow: reject-publish`, and no room. */
  full: boolean;
  /** A quorum queue whose leader is gone, with no other elected yet. */
  leaderless: boolean;
  /** Ids as they came, with each copy. */
  readonly got: { readonly id: string; readonly type: string; readonly body: string; readonly atMs: number }[];
}

export type Answer = 'confirmed' | 'returned' | 'nacked';

/** What the broker tells whoever watches it. */
export interface BrokerWatcher {
  published(id: string): void;
  answered(id: string, answer: Answer): void;
  /** Of these no answer came: their channel is gone. */
  cutOff(ids: readonly string[], reason: string): void;
  connected(): void;
  /** What no queue took may find one now. */
  routesChanged(): void;
}

/** What its connections and channels know of the broker. */
export interface BrokerSide {
  readonly random: Random;
  readonly time: VirtualTime;
  readonly watcher: BrokerWatcher;
  readonly alarm: boolean;
  readonly silent: boolean;
  readonly multiple: boolean;
  readonly slowMs: number;
  readonly maxBytes: number;
  readonly forbidden: ReadonlySet<string>;
  metricsBound: boolean;
  /** For whoever asked: a process that has ended since hears nothing. */
  after(ms: number): Promise<void>;
  /** @returns where a message goes, by name */
  route(): readonly Queue[];
}

/** As amqplib throws of what has ended. */
export function illegal(message: string): Error {
  const error = new Error(message);
  error.name = 'IllegalOperationError';
  return error;
}
