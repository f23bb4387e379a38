import {
  Delivery,
  prefetchFor,
  type DeliveryOptions,
  type DeliverySettings,
} from '../../../sinks/delivery/delivery.ts';
import { createPreparer } from '../../../sinks/event/prepare.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import type { BatchLimits, Sink, SinkEvent } from '../../../sinks/sink.ts';
import { MemoryQueue } from './memory-queue.ts';
import { VirtualClock } from './virtual-clock.ts';

export const SETTINGS: DeliverySettings = {
  lingerMs: 100,
  timeoutMs: 10_000,
  ratePerS: Number.POSITIVE_INFINITY,
  retry: { firstMs: 1000, longestMs: 8000, retryAfterMaxMs: 60_000, openAfter: 3, openMs: 30_000 },
};

export interface Sent {
  readonly ids: readonly string[];
  readonly atMs: number;
}

/** A delivery between an in-memory queue and a scripted sink, in virtual time. */
export interface DeliveryFixture {
  readonly clock: VirtualClock;
  readonly delivery: Delivery;
  readonly queue: MemoryQueue;
  /** Batches in the order sent. */
  readonly sent: readonly Sent[];
  readonly counts: Record<'accepted' | 'filtered' | 'duplicate', number>;
  /** Resolves when the delivery has ended. */
  readonly ended: Promise<void>;
}

export interface FixtureOptions {
  readonly send: (
    batch: readonly SinkEvent[],
    signal: AbortSignal,
    clock: VirtualClock,
  ) => SendOutcome | Promise<SendOutcome>;
  readonly limits?: BatchLimits;
  readonly settings?: Partial<DeliverySettings>;
  readonly prepare?: DeliveryOptions['prepare'];
}

/** Starts a delivery whose queue is connected and empty. */
export function startDelivery({
  send,
  limits = { maxEvents: 10, maxBytes: 1e6 },
  settings,
  prepare,
}: FixtureOptions): DeliveryFixture {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  const counts = { accepted: 0, filtered: 0, duplicate: 0 };
  const sink: Pick<Sink, 'send'> = {
    async send(batch, signal) {
      sent.push({ ids: batch.map(({ id }) => id), atMs: clock.now() });
      return send(batch, signal, clock);
    },
  };
  const delivery = new Delivery({
    sink,
    limits,
    prepare: prepare ?? createPreparer({ filter: {}, mapping: {}, policy: {}, thirdParty: false }),
    settings: { ...SETTINGS, ...settings },
    clock,
    // The longest pauses, which are round numbers.
    random: () => 1,
    observer: {
      sent: () => undefined,
      accepted: (events) => (counts.accepted += events),
      dead: () => undefined,
      filtered: () => (counts.filtered += 1),
      duplicate: () => (counts.duplicate += 1),
    },
  });
  const queue = new MemoryQueue(delivery, prefetchFor(limits));
  queue.connect();
  return { clock, delivery, queue, sent, counts, ended: delivery.run() };
}
