import type { Channel, ConsumeMessage, Options } from 'amqplib';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';

/** A message from one of our queues. */
export interface Delivery {
  readonly message: ConsumeMessage;
  /** Whether it arrived while we listened, and so is recent. False if it waited for us or is redelivered. */
  readonly live: boolean;
}

export interface DeclaredQueue {
  readonly queue: string;
  /** How many messages it contained. */
  readonly waiting: number;
}

/** A queue of ours, and the handling of its messages. */
export interface Subscription {
  readonly name: string;
  /** Declares the queue; a failure is reported and tried again. */
  readonly declare: (channel: Channel) => Promise<DeclaredQueue>;
  /** Binds it to exchanges that others declare. Repeated every minute, because they may be deleted and made anew. */
  readonly bind: (channel: Channel, queue: string) => Promise<void>;
  readonly consume?: Options.Consume;
  /** How many messages may be unacknowledged. */
  readonly prefetch: number;
  /** Listening has started; nothing is missed from here on. */
  readonly onBegin?: (channel: Channel, declared: DeclaredQueue) => void;
  readonly onEnd?: () => void;
  /** Handles a message. An exception is reported as a problem, and the message counts as handled. */
  readonly onMessage: (delivery: Delivery) => void;
  /** Runs before messages are acknowledged: their effects must be saved by then. */
  readonly beforeAck?: () => void;
}

export interface SubscriptionRunner {
  /** A channel was refused or closed, and why. Listening restarts after a pause. */
  readonly onProblem: (subscription: string, error: unknown) => void;
  /** @default 5000 ms */
  readonly retryMs?: number | undefined;
}

const BIND_EVERY_MS = 60_000;
const ACK_EVERY = 200;
const ACK_WITHIN_MS = 100;

/** Listens until the signal aborts, on successive channels of the connection. */
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
      // If a connection is lost, its channels may notice first.
      await setImmediate();
      if (!signal.aborted) onProblem(subscription.name, error);
    }
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** One channel from opening to closing. @throws the error that ended it */
async function listen(
  channel: Channel,
  subscription: Subscription,
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => undefined);
  // If RabbitMQ closes a channel, `error` comes first and says why.
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
    // A refusal closes the channel, and that event says why.
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

/** Acknowledges many messages at once: after this many, or this long after the first. */
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
