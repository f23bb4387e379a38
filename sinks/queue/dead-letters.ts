import type { Channel, ChannelModel, GetMessage } from 'amqplib';
import type { OpenBroker } from './broker.ts';
import { copyOf } from './copy.ts';
import { messagesIn, queueExists } from './declare.ts';
import { DEAD_HEADERS, deadQueueName, queueName, REPLAYED_HEADER } from './names.ts';
import { QueuePublisher } from './queue-publisher.ts';

/** A message in the dead-letter queue. */
export interface DeadLetter {
  readonly id: string;
  /** Event type according to the message. */
  readonly type: string;
  readonly class: string;
  readonly reason: string;
  /** RFC 3339; '' if the message has no time. */
  readonly time: string;
  /** The event's source, or the message's publisher if it is not an event. */
  readonly source: string;
  /** The message's text, or the beginning of a long one. */
  readonly event: string;
}

/** A sink's dead-letter queue. */
export interface DeadQueue {
  readonly sink: string;
  readonly messages: number;
}

/** Longer than any event of ours; foreign messages may have any length. */
const TEXT_BYTES = 64 * 1024;

/** There is nothing to list or replay, because the sink has never run with this broker. */
export class NoDeadLettersError extends Error {
  override readonly name = 'NoDeadLettersError';
  readonly code = 'no_dead_letter_queue';
}

/** Returns the existing dead-letter queues of these sinks. @throws RabbitMQ's error */
export async function deadQueues(model: ChannelModel, sinks: readonly string[]): Promise<readonly DeadQueue[]> {
  const found: DeadQueue[] = [];
  for (const sink of sinks) {
    const messages = await messagesIn(model, deadQueueName(sink));
    if (messages !== undefined) found.push({ sink, messages });
  }
  return found;
}

/**
 * Lists messages of a sink's dead-letter queue, oldest first, and leaves them there.
 *
 * @throws NoDeadLettersError, or RabbitMQ's error
 */
export async function listDeadLetters(
  model: ChannelModel,
  sink: string,
  limit: number,
): Promise<readonly DeadLetter[]> {
  const channel = await openDeadLetters(model, sink);
  const found: DeadLetter[] = [];
  while (found.length < limit) {
    const message = await channel.get(deadQueueName(sink));
    if (message === false) break;
    found.push(toDeadLetter(message));
  }
  // Returns the messages to their places.
  await channel.close();
  return found;
}

/** Selects the oldest dead letters, or those of them with these ids. */
export interface DeadChoice {
  readonly limit: number;
  readonly ids?: ReadonlySet<string>;
}

/** The result of a replay. */
export interface Replayed {
  readonly moved: number;
  /**
   * Messages that RabbitMQ did not accept into the sink's queue, and that stay where they are; `reason` is that of the last
   * one.
   */
  readonly left: number;
  readonly reason: string;
}

/**
 * Moves messages with their ids back to the sink's queue, oldest first. If the process is killed, one message may be in both
 * queues, but none is lost.
 *
 * @param onMoved called after each message with the number moved so far
 * @throws NoDeadLettersError, or RabbitMQ's error
 */
export async function replayDeadLetters(
  { model, url, tls }: Pick<OpenBroker, 'model' | 'url' | 'tls'>,
  sink: string,
  { limit, ids }: DeadChoice,
  onMoved: (moved: number) => void,
): Promise<Replayed> {
  const channel = await openDeadLetters(model, sink);
  const queue = queueName(sink);
  const publisher = new QueuePublisher({
    url,
    tls,
    connectionName: `clowder-otel sink ${sink}, replay`,
    declare: () => Promise.resolve(),
  });
  let [moved, left, reason] = [0, 0, ''];
  try {
    // Messages that fail again go to the end of this queue, so only those in it now are moved.
    const { messageCount } = await channel.checkQueue(deadQueueName(sink));
    for (let seen = 0; seen < Math.min(limit, messageCount); seen += 1) {
      const message = await channel.get(deadQueueName(sink));
      if (message === false) break;
      if (ids?.has(text(message.properties.messageId)) === false) continue;
      const answer = await publisher.send(copyOf(message, queue, replayHeaders(message)));
      if (answer.outcome === 'returned') throw new Error(`There is no queue ${queue}: start the sink once`);
      if (answer.outcome === 'confirmed') {
        channel.ack(message);
        moved += 1;
        onMoved(moved);
      } else {
        left += 1;
        reason = answer.reason;
      }
    }
    // Returns the other messages to their places.
    await channel.close();
  } finally {
    await publisher.close();
  }
  return { moved, left, reason };
}

async function openDeadLetters(model: ChannelModel, sink: string): Promise<Channel> {
  if (!(await queueExists(model, deadQueueName(sink))))
    throw new NoDeadLettersError(
      `There is no queue ${deadQueueName(sink)}: the sink ${sink} has not run with this broker`,
    );
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  return channel;
}

function headersOf(message: GetMessage): Readonly<Record<string, unknown>> {
  return message.properties.headers ?? {};
}

function replayHeaders(message: GetMessage): Record<string, number | undefined> {
  const before = Number(headersOf(message)[REPLAYED_HEADER] ?? 0);
  const noLonger = Object.fromEntries(Object.values(DEAD_HEADERS).map((name) => [name, undefined]));
  return { ...noLonger, [REPLAYED_HEADER]: before + 1 };
}

function toDeadLetter(message: GetMessage): DeadLetter {
  const headers = headersOf(message);
  const { messageId, type, appId } = message.properties;
  const event = message.content.subarray(0, TEXT_BYTES).toString();
  return {
    id: text(messageId),
    type: text(type),
    class: text(headers[DEAD_HEADERS.class]),
    reason: text(headers[DEAD_HEADERS.reason]),
    time: text(headers[DEAD_HEADERS.time]),
    source: sourceOf(event) || text(appId),
    event,
  };
}

/** Returns the source of the event in a message; '' if it is not an event. */
function sourceOf(event: string): string {
  try {
    const { source } = JSON.parse(event) as { readonly source?: unknown };
    return text(source);
  } catch {
    return '';
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
