import type { Channel } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExtractorRegistry } from './registry.ts';

export interface QueueLength {
  /** Messages that wait for a consumer. */
  readonly messages: number;
  readonly consumers: number;
  /** Messages that were taken and not acknowledged, if the management API says so. */
  readonly unacknowledged?: number | undefined;
}

/** Counts the jobs taken from a queue. Undefined if unknown. */
export type LookAtTaken = (queue: string, signal: AbortSignal) => Promise<number | undefined>;

/** Name of the queue where pyclowder puts a copy of a job that it gave up. */
export function errorQueueOf(queue: string): string {
  return `error.${queue}`;
}

/**
 * Lengths of the extractors' queues, which their heartbeats name, by passive declaration: it creates nothing and takes
 * nothing.
 */
export class QueueLengths {
  #lengths: ReadonlyMap<string, QueueLength> = new Map();

  of(queue: string): QueueLength | undefined {
    return this.#lengths.get(queue);
  }

  /** Looks repeatedly until the signal aborts; after that, nothing is known. */
  async keepLooking(
    openChannel: () => Promise<Channel>,
    registry: ExtractorRegistry,
    everyMs: number,
    signal: AbortSignal,
    lookAtTaken?: LookAtTaken,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#lengths = await lengthsOf(registry, openChannel, signal, lookAtTaken);
      } catch {
        // The connection is lost; its owner reports it.
        break;
      }
      // The first extractors are heard in the first seconds.
      const pauseMs = this.#lengths.size === 0 ? Math.min(everyMs, FIRST_MS) : everyMs;
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    this.#lengths = new Map();
  }
}

const FIRST_MS = 2000;

async function lengthsOf(
  registry: ExtractorRegistry,
  openChannel: () => Promise<Channel>,
  signal: AbortSignal,
  lookAtTaken: LookAtTaken | undefined,
): Promise<ReadonlyMap<string, QueueLength>> {
  const lengths = new Map<string, QueueLength>();
  let channel: Channel | undefined;
  const jobs = registry.readings().map(({ queue }) => queue);
  for (const queue of jobs.flatMap((one) => [one, errorQueueOf(one)])) {
    if (signal.aborted) break;
    channel ??= await quiet(openChannel);
    try {
      const { messageCount, consumerCount } = await channel.checkQueue(queue);
      const unacknowledged = jobs.includes(queue) ? await lookAtTaken?.(queue, signal) : undefined;
      lengths.set(queue, { messages: messageCount, consumers: consumerCount, unacknowledged });
    } catch {
      // The queue does not exist, or is exclusive to another: RabbitMQ closes the channel.
      channel = undefined;
    }
  }
  await channel?.close().catch(() => undefined);
  return lengths;
}

async function quiet(openChannel: () => Promise<Channel>): Promise<Channel> {
  const channel = await openChannel();
  channel.on('error', () => undefined);
  return channel;
}
