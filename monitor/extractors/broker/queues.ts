import type { Channel, Options } from 'amqplib';
import { randomUUID } from 'node:crypto';
import type { Subscription } from './subscription.ts';

type Listener = Omit<Subscription, 'name' | 'declare' | 'bind' | 'prefetch'>;

/** Most messages in a queue that ends with our connection, in case we are slow. */
const SHORT_LENGTH = 10_000;
const PREFETCH = 500;
const PRECONDITION_FAILED = 406;

/** A queue that lives as long as our connection: messages during our absence do not matter. */
function whileConnected(
  name: string,
  bindings: readonly (readonly [exchange: string, routingKey: string])[],
  listener: Listener,
): Subscription {
  // One queue per connection, however often listening starts: a missing exchange closes the channel after the queue was
  // declared, and the queue stays until the connection ends.
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

/** Extractors' heartbeats. Clowder and the extractors declare the exchange, a fanout; we wait until it exists. */
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
  /** Exchanges to which jobs and status messages are published; '' is the default one. */
  readonly exchanges: readonly string[];
  readonly maxLength: number;
  readonly maxBytes: number;
  /** RabbitMQ deletes the queue after this long without a consumer, in milliseconds. */
  readonly expiresMs: number;
}

export const TRACE_EXCHANGE = 'amq.rabbitmq.trace';

/**
 * Copies of what is published, while `rabbitmqctl trace_on` is in force. Durable, so that messages during a restart of
 * the monitor wait; bounded, with the oldest dropped first; deleted if the monitor does not come back. The consumer is
 * exclusive: a second monitor on the same broker waits for its turn.
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
      // The queue was made with other bounds. It is ours, so we make it anew unless somebody consumes it.
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
