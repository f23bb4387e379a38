import type { Channel, ChannelModel, GetMessage } from 'amqplib';
import type { OpenBroker } from './broker.ts';
import { copyOf } from './copy.ts';
import { messagesIn, queueExists } from './declare.ts';
import { DEAD_HEADERS, deadQueueName, queueName, REPLAYED_HEADER } from './names.ts';
import { QueuePublisher } from './queue-publisher.ts';

/** A message that was put aside. */
export interface DeadLetter {
  readonly id: string;
  /** Event type, as the message says. */
  readonly type: string;
  readonly class: string;
  readonly reason: string;
  /** RFC 3339; '' where whoever put it there did not say. */
  readonly time: string;
  /** Who observed or stated the event; who published the message if it is no event. */
  readonly source: string;
  /** The message's text, its beginning if it is long. */
  readonly event: string;
}

/** A sink's queue of dead letters. */
export interface DeadQueue {
  readonly sink: string;
  readonly messages: number;
}

/** Longer than any event of ours; what somebody else sent may be as long as it likes. */
const TEXT_BYTES = 64 * 1024;

/** There is nothing to list or replay: the sink has never run with this broker. */
export class NoDeadLettersError extends Error {
  override readonly name = 'NoDeadLettersError';
  readonly code = 'no_dead_letter_queue';
}

/** The queues that there are, of these sinks. @throws Error of RabbitMQ */
export async function deadQueues(model: ChannelModel, sinks: readonly string[]): Promise<readonly DeadQueue[]> {
  const found: DeadQueue[] = [];
  for (const sink of sinks) {
    const messages = await messagesIn(model, deadQueueName(sink));
    if (messages !== undefined) found.push({ sink, messages });
  }
  return found;
}

/**
 * Lists messages of a sink's dead-letter queue, the oldest first; they stay there.
 *
 * @throws NoDeadLettersError, or Error of RabbitMQ
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
  // What was looked at goes back to its place.
  await channel.close();
  return found;
}

/** Which dead letters: the oldest, or those with these ids among them. */
export interface DeadChoice {
  readonly limit: number;
  readonly ids?: ReadonlySet<string>;
}

/** What became of a replay. */
export interface Replayed {
  readonly moved: number;
  /** Messages that RabbitMQ does not take into the sink's queue, and why, of the last one: they stay where they are. */
  readonly left: number;
  readonly reason: string;
}

/**
 * Moves messages back to the sink's queue, with their ids, the oldest first. Killed in between, one may be in both queues,
 * none in neither.
 *
 * @param onMoved called after each with how many there are so far
 * @throws NoDeadLettersError, or Error of RabbitMQ
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
    // What fails again comes to the end of the same queue: only what is there now is moved.
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
    // What was not moved goes back to its place.
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

/** Of the event in a message; '' if it is none. */
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
