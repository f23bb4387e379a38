import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A consumer's queue, bound to `clowder.metrics`. */
export interface Queue {
  readonly name: string;
  bound: boolean;
  /** Has `x-overflow: reject-publish` and no room. */
  full: boolean;
  /** A quorum queue that lost its leader and has not elected another yet. */
  leaderless: boolean;
  /** Every message in order of arrival, including copies. */
  readonly got: { readonly id: string; readonly type: string; readonly body: string; readonly atMs: number }[];
}

export type Answer = 'confirmed' | 'returned' | 'nacked';

/** What the broker reports to its observer. */
export interface BrokerWatcher {
  published(id: string): void;
  answered(id: string, answer: Answer): void;
  /** The channel is gone, so these messages get no answer. */
  cutOff(ids: readonly string[], reason: string): void;
  connected(): void;
  /** Messages that no queue took may find one now. */
  routesChanged(): void;
}

/** The broker as its connections and channels see it. */
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
  /** Resolves after the time; never if the process that asked has ended by then. */
  after(ms: number): Promise<void>;
  /** @returns the queues that a message reaches */
  route(): readonly Queue[];
}

/** The error that amqplib throws on a closed channel or connection. */
export function illegal(message: string): Error {
  const error = new Error(message);
  error.name = 'IllegalOperationError';
  return error;
}
