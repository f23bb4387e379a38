import amqp from 'amqplib';

/** A message as a deployed consumer reads it. */
export interface ReceivedEvent {
  readonly body: Record<string, unknown>;
  readonly messageId: string;
  readonly routingKey: string;
  readonly headers: Record<string, unknown>;
}

/** A consumer on the durable queue `event.sink` bound to `clowder.metrics`, like deployed consumers. */
export interface EventSink extends AsyncDisposable {
  readonly received: ReceivedEvent[];
  /** Ids in order of first arrival. */
  ids(): string[];
}

/** Declares exchange and queue as deployed consumers do, and consumes. */
export async function consumeEventSink(url: string): Promise<EventSink> {
  const connection = await amqp.connect(url);
  connection.on('error', () => undefined);
  const channel = await connection.createChannel();
  await channel.assertExchange('clowder.metrics', 'fanout', { durable: true });
  await channel.assertQueue('event.sink', { durable: true });
  await channel.bindQueue('event.sink', 'clowder.metrics', '');
  const received: ReceivedEvent[] = [];
  await channel.consume('event.sink', (message) => {
    if (message === null) return;
    received.push({
      body: JSON.parse(message.content.toString()) as Record<string, unknown>,
      messageId: String(message.properties.messageId),
      routingKey: message.fields.routingKey,
      headers: message.properties.headers ?? {},
    });
    channel.ack(message);
  });
  return {
    received,
    ids: () => [...new Set(received.map((one) => one.messageId))],
    [Symbol.asyncDispose]: async () => {
      await connection.close().catch(() => undefined);
    },
  };
}

/** Declares only the consumers' queue, so that events reach a queue. */
export async function bindEventSink(url: string): Promise<void> {
  const sink = await amqp.connect(url);
  const channel = await sink.createChannel();
  await channel.assertExchange('clowder.metrics', 'fanout', { durable: true });
  await channel.assertQueue('event.sink', { durable: true });
  await channel.bindQueue('event.sink', 'clowder.metrics', '');
  await sink.close();
}
