import type { Channel, ConsumeMessage, Options } from 'amqplib';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';

/** A message of a queue of ours. */
export interface Delivery {
  readonly message: ConsumeMessage;
  /** It came while we listened: it was said just now. Not, where it waited for us, or is delivered again. */
  readonly live: boolean;
}

export interface DeclaredQueue {
  readonly queue: string;
  /** Messages that were in it. */
  readonly waiting: number;
}

/** A queue of our own, and what is done with what it brings. */
export interface Subscription {
  readonly name: string;
  /** Declares the queue; a failure is told, and tried again. */
  readonly declare: (channel: Channel) => Promise<DeclaredQueue>;
  /** Binds it, to exchanges that others declare: again every minute, as they may have been deleted and made anew. */
  readonly bind: (channel: Channel, queue: string) => Promise<void>;
  readonly consume?: Options.Consume;
  /** Messages that may be unacknowledged. */
  readonly prefetch: number;
  /** Listening has begun; from here on nothing is missed. */
  readonly onBegin?: (channel: Channel, declared: DeclaredQueue) => void;
  readonly onEnd?: () => void;
  /** Takes a message. What it throws is told as a problem, and the message counts as taken. */
  readonly onMessage: (delivery: Delivery) => void;
  /** Before messages are acknowledged: what they made is kept by now. */
  readonly beforeAck?: () => void;
}

export interface SubscriptionRunner {
  /** A channel was refused, or closed: why. Listening begins again after a pause. */
  readonly onProblem: (subscription: string, error: unknown) => void;
  /** @default 5000 ms */
  readonly retryMs?: number | undefined;
}

const BIND_EVERY_MS = 60_000;
const ACK_EVERY = 200;
const ACK_WITHIN_MS = 100;

/** Listens until the signal says to stop, on one channel after another of the connection. */
export async function runSubscription(
  openChannel: () => Promise<Channel>,
  subscription: Subscription,
  { onProblem, retryMs = 5000 }: SubscriptionRunner,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await listen(await openChannel(), subscription, (error) => onProblem(subscription.name, error), signal);
    } catch (error) {
      // Of a connection that is lost its channels may know first.
      await setImmediate();
      if (!signal.aborted) onProblem(subscription.name, error);
    }
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One channel from its beginning to its end. @throws what ended it */
async function listen(
  channel: Channel,
  subscription: Subscription,
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => undefined);
  // A channel that RabbitMQ closes says why by `error` first.
  channel.on('error', ended.reject);
  channel.on('close', () => ended.reject(new Error('the channel was closed')));
  const stop = (): void => ended.resolve();
  signal.addEventListener('abort', stop);
  const acks = new Acks(channel, subscription.beforeAck);
  let begun = false;
  let binding: NodeJS.Timeout | undefined;
  try {
    await channel.prefetch(subscription.prefetch);
    const declared = await subscription.declare(channel);
    let { waiting } = declared;
    const bind = (): Promise<void> => subscription.bind(channel, declared.queue);
    await bind();
    // A refusal closes the channel, which tells why.
    binding = setInterval(() => void bind().catch(ended.reject), BIND_EVERY_MS);
    subscription.onBegin?.(channel, declared);
    begun = true;
    const take = (message: ConsumeMessage | null): void => {
      if (message === null) return ended.reject(new Error('the queue was deleted'));
      const live = waiting <= 0 && !message.fields.redelivered;
      waiting -= 1;
      try {
        subscription.onMessage({ message, live });
      } catch (error) {
        onFailure(error);
      }
      acks.add(message);
    };
    await channel.consume(declared.queue, take, subscription.consume);
    await ended.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    clearInterval(binding);
    acks.flush();
    if (begun) subscription.onEnd?.();
    await channel.close().catch(() => undefined);
  }
}

/** Acknowledges many messages at once: after so many, or so long after the first of them. */
class Acks {
  readonly #channel: Channel;
  readonly #before: (() => void) | undefined;
  #last: ConsumeMessage | undefined;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(channel: Channel, before: (() => void) | undefined) {
    this.#channel = channel;
    this.#before = before;
  }

  add(message: ConsumeMessage): void {
    this.#last = message;
    this.#count += 1;
    if (this.#count >= ACK_EVERY) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), ACK_WITHIN_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#count = 0;
    const last = this.#last;
    this.#last = undefined;
    if (last === undefined) return;
    this.#before?.();
    try {
      this.#channel.ack(last, true);
    } catch {
      // The channel is closed already: RabbitMQ delivers them again.
    }
  }
}
