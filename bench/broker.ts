import amqp from 'amqplib';
import { waitFor } from '../test/support/wait-for.ts';
import { startRabbitNode } from '../test/support/rabbitmq-node.ts';

const QUEUE = 'event.sink';

/** A message that the peer publishes again. */
export interface TakenMessage {
  readonly routingKey: string;
  readonly content: string;
  readonly options: amqp.Options.Publish;
}

/** A RabbitMQ node for the benchmark, with the collector's exchanges and one consumer's queue. */
export interface Broker extends AsyncDisposable {
  readonly url: string;
  /** Waits until the queue holds at least this many messages. */
  reaches(messages: number): Promise<void>;
  /** Waits until nothing more arrives, then empties the queue. */
  empty(): Promise<void>;
  /** Takes that many messages out of the queue. */
  take(messages: number): Promise<TakenMessage[]>;
}

export async function startBroker(): Promise<Broker> {
  await using stack = new AsyncDisposableStack();
  const node = stack.adopt(await startRabbitNode(), (started) => started.stop());
  const connection = stack.adopt(await amqp.connect(node.url), (open) => open.close());
  const channel = await connection.createChannel();
  await channel.assertExchange('clowder.events', 'topic', { durable: true });
  await channel.assertExchange('clowder.metrics', 'fanout', { durable: true });
  await channel.bindExchange('clowder.metrics', 'clowder.events', '#');
  await channel.assertQueue(QUEUE, { durable: true });
  await channel.bindQueue(QUEUE, 'clowder.metrics', '');
  const depth = async (): Promise<number> => (await channel.checkQueue(QUEUE)).messageCount;
  const owned = stack.move();
  return {
    url: node.url,
    reaches: async (messages) => {
      await waitFor(async () => (await depth()) >= messages, {
        timeoutMs: 120_000,
        everyMs: 5,
        what: `${messages} messages`,
      });
    },
    empty: async () => {
      let before = -1;
      const quiet = async (): Promise<boolean> => {
        const now = await depth();
        const same = now === before;
        before = now;
        return same;
      };
      await waitFor(quiet, { timeoutMs: 120_000, everyMs: 500, what: 'the queue to be quiet' });
      await channel.purgeQueue(QUEUE);
    },
    take: (messages) => take(channel, messages),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function take(channel: amqp.Channel, wanted: number): Promise<TakenMessage[]> {
  return new Promise((resolve, reject) => {
    const taken: TakenMessage[] = [];
    const consumerTag = 'bench';
    const onMessage = (message: amqp.ConsumeMessage | null): void => {
      if (message === null || taken.length === wanted) return;
      const { properties, fields, content } = message;
      taken.push({ routingKey: fields.routingKey, content: content.toString(), options: publishOptions(properties) });
      if (taken.length === wanted) void channel.cancel(consumerTag).then(() => resolve(taken), reject);
    };
    channel.consume(QUEUE, onMessage, { noAck: true, consumerTag }).catch(reject);
  });
}

function publishOptions(properties: amqp.MessageProperties): amqp.Options.Publish {
  return {
    messageId: String(properties.messageId),
    type: String(properties.type),
    timestamp: Number(properties.timestamp),
    appId: String(properties.appId),
    contentType: String(properties.contentType),
    deliveryMode: properties.deliveryMode === 2,
    headers: properties.headers,
  };
}
