import type { Channel, Options } from 'amqplib';
import { randomUUID } from 'node:crypto';
import type { Subscription } from './subscription.ts';

type Listener = Omit<Subscription, 'name' | 'declare' | 'bind' | 'prefetch'>;

/** What a queue holds that ends with our connection, should we be slow. */
const SHORT_LENGTH = 10_000;
const PREFETCH = 500;
const PRECONDITION_FAILED = 406;

/** A queue that lives as long as our connection: what is said while we are away is not for us. */
function whileConnected(
  name: string,
  bindings: readonly (readonly [exchange: string, routingKey: string])[],
  listener: Listener,
): Subscription {
  // One queue a connection, however often listening begins: an exchange that is not there yet closes the channel after
  // the queue was declared, and leaves it until the connection ends.
  const names = new WeakMap<object, string>();
  return {
    name,
    prefetch: PREFETCH,
    declare: async (channel) => {
      const options = { exclusive: true, autoDelete: true, maxLength: SHORT_LENGTH };
      const known = names.get(channel.connection) ?? `clowder-otel.${name}.${randomUUID()}`;
      names.set(channel.connection, known);
      const { queue, messageCount } = await channel.assertQueue(known, options);
      return { queue, waiting: messageCount };
    },
    bind: (channel, queue) => bindAll(channel, queue, bindings),
    ...listener,
  };
}

async function bindAll(
  channel: Channel,
  queue: string,
  bindings: readonly (readonly [string, string])[],
): Promise<void> {
  for (const [exchange, routingKey] of bindings) await channel.bindQueue(queue, exchange, routingKey);
}

/** Extractors' heartbeats. Clowder and the extractors declare the exchange, a fanout; we wait until it is there. */
export function heartbeats(exchange: string, listener: Listener): Subscription {
  return whileConnected('heartbeats', [[exchange, '']], listener);
}

/** Our own events of the given types. */
export function clowderEvents(exchange: string, types: readonly string[], listener: Listener): Subscription {
  return whileConnected(
    'events',
    types.map((type) => [exchange, type] as const),
    listener,
  );
}

export interface FirehoseQueue {
  readonly queue: string;
  /** Exchanges that jobs and status messages are published to; '' is the default one. */
  readonly exchanges: readonly string[];
  readonly maxLength: number;
  readonly maxBytes: number;
  /** The queue goes when nobody has listened for so long, in milliseconds. */
  readonly expiresMs: number;
}

export const TRACE_EXCHANGE = 'amq.rabbitmq.trace';

/**
 * Copies of what is published, as long as `rabbitmqctl trace_on` holds. Durable, so that what is said while the monitor
 * is restarted waits; bounded, the oldest goes first; and gone by itself if the monitor does not come back. The
 * consumer is an exclusive one: a second monitor on the same broker waits for its turn.
 */
export function firehose(settings: FirehoseQueue, listener: Listener): Subscription {
  const options: Options.AssertQueue = {
    durable: true,
    maxLength: settings.maxLength,
    expires: settings.expiresMs,
    arguments: { 'x-max-length-bytes': settings.maxBytes, 'x-overflow': 'drop-head' },
  };
  const bindings = settings.exchanges.map((exchange) => [TRACE_EXCHANGE, `publish.${exchange}`] as const);
  let replace = false;
  return {
    name: 'firehose',
    prefetch: PREFETCH,
    consume: { exclusive: true },
    declare: async (channel) => {
      // Its bounds were others when it was made: it is ours, and made anew unless somebody listens.
      if (replace) await channel.deleteQueue(settings.queue, { ifUnused: true });
      replace = false;
      try {
        const { queue, messageCount } = await channel.assertQueue(settings.queue, options);
        return { queue, waiting: messageCount };
      } catch (error) {
        replace = codeOf(error) === PRECONDITION_FAILED;
        throw error;
      }
    },
    bind: (channel, queue) => bindAll(channel, queue, bindings),
    ...listener,
  };
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
