import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { BrokerError } from '../../runtime/amqp/broker-error.ts';
import { connectBroker, endConnection, endOf, type BrokerTls } from '../../runtime/amqp/connection.ts';
import { keepConnected, type Turn } from '../../runtime/amqp/keep-connected.ts';
import { declareSinkQueues, removeOtherBindings } from './declare.ts';
import { DeadLetterWriter, type Unburied } from './dead-letter-writer.ts';
import type { QueueLink, QueueMessage } from './message.ts';
import { deadQueueName, queueName, REPLAYED_HEADER } from './names.ts';

export interface ConsumerOptions {
  readonly sink: string;
  /** URLs of one broker each, tried in turn. */
  readonly urls: readonly string[];
  readonly tls?: BrokerTls | undefined;
  readonly bindingKeys: readonly string[];
  /** Messages that may be unacknowledged at once. */
  readonly prefetch: number;
  /** Bounds of the pause before the next attempt to connect. @default 100 to 10000 ms */
  readonly reconnectMs?: { readonly min: number; readonly max: number };
  /** Receives the messages; `attach` comes before a link's first message, `detach` after its last. */
  readonly receiver: {
    attach(link: QueueLink): void;
    detach(): void;
    receive(message: QueueMessage): void;
  };
  readonly onConnected: (broker: string) => void;
  readonly onLost: (error: BrokerError) => void;
  /**
   * Called when RabbitMQ stops accepting dead letters (with the messages concerned), and when it accepts them again
   * (undefined).
   */
  readonly onUnburied: (unburied: Unburied | undefined) => void;
}

export interface ConsumerState {
  readonly connected: boolean;
  readonly lastError: BrokerError | undefined;
  /** Messages that cannot be buried; undefined if there are none. */
  readonly unburied: Unburied | undefined;
}

export interface QueueDepth {
  /** Messages that no consumer has. */
  readonly ready: number;
  /** Messages in the dead-letter queue. */
  readonly dead: number;
}

/** Consumes a sink's queue. It has its own connection, so that no sink slows down another, and reconnects forever. */
export class QueueConsumer {
  readonly #options: ConsumerOptions;
  readonly #stop = new AbortController();
  readonly #sockets = new AbortController();
  #running: Promise<void> | undefined;
  #model: ChannelModel | undefined;
  #channel: Channel | undefined;
  #consumerTag: string | undefined;
  #deadLetters: DeadLetterWriter | undefined;
  /** Done once: the filter does not change while the process runs. */
  #bindingsInLine = false;
  #lastError: BrokerError | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  get state(): ConsumerState {
    return {
      connected: this.#channel !== undefined,
      lastError: this.#lastError,
      unburied: this.#deadLetters?.unburied,
    };
  }

  /** Starts to connect in the background. */
  start(): void {
    const { urls, reconnectMs = { min: 100, max: 10_000 }, onLost } = this.#options;
    const { signal } = this.#stop;
    this.#running = keepConnected({
      urls,
      reconnectMs,
      signal,
      stay: (turn) => this.#stayConnected(turn),
      onLost: (error) => {
        if (signal.aborted) return;
        this.#lastError = error;
        onLost(error);
      },
    });
  }

  /** Stops the flow of messages; those that have arrived can still be settled. */
  async cancel(): Promise<void> {
    const [channel, tag] = [this.#channel, this.#consumerTag];
    this.#stop.abort();
    if (channel !== undefined && tag !== undefined) await channel.cancel(tag).catch(() => undefined);
  }

  /** Closes the connection. Messages without an acknowledgement return to their place in the queue. */
  async close(): Promise<void> {
    this.#stop.abort();
    const model = this.#model;
    this.#model = undefined;
    this.#channel = undefined;
    await this.#deadLetters?.close();
    if (model !== undefined) await endConnection(model);
    this.#sockets.abort();
    await this.#running;
  }

  /** Returns undefined while there is no connection. */
  async depth(): Promise<QueueDepth | undefined> {
    const channel = this.#channel;
    if (channel === undefined) return undefined;
    const { sink } = this.#options;
    const ready = await channel.checkQueue(queueName(sink));
    const dead = await channel.checkQueue(deadQueueName(sink));
    return { ready: ready.messageCount, dead: dead.messageCount };
  }

  /** Runs one connection until it ends. @throws what ended it */
  async #stayConnected({ url, broker, connected }: Turn): Promise<void> {
    const { sink, tls, receiver, onConnected, onUnburied } = this.#options;
    const connectionName = `clowder-otel sink ${sink}`;
    const model = await connectBroker(url, { connectionName, tls, signal: this.#sockets.signal });
    const ended = endOf(model);
    this.#model = model;
    const deadLetters = new DeadLetterWriter({ sink, url, tls, onUnburied });
    this.#deadLetters = deadLetters;
    try {
      await Promise.race([this.#consume(model, deadLetters, ended), ended.promise]);
      connected();
      this.#lastError = undefined;
      onConnected(broker);
      await Promise.race([this.#bringBindingsInLine(model), ended.promise]);
      await ended.promise;
    } finally {
      this.#channel = undefined;
      this.#consumerTag = undefined;
      receiver.detach();
      void deadLetters.close();
      if (this.#model !== undefined) void endConnection(model);
    }
  }

  async #bringBindingsInLine(model: ChannelModel): Promise<void> {
    if (this.#bindingsInLine) return;
    await removeOtherBindings(model, this.#options.sink, this.#options.bindingKeys);
    this.#bindingsInLine = true;
  }

  async #consume(
    model: ChannelModel,
    deadLetters: DeadLetterWriter,
    ended: PromiseWithResolvers<never>,
  ): Promise<void> {
    const { sink, bindingKeys, prefetch, receiver } = this.#options;
    await declareSinkQueues(model, sink, bindingKeys);
    const channel = await model.createChannel();
    channel.on('error', ended.reject);
    channel.on('close', () => ended.reject(new Error('the channel was closed')));
    await channel.prefetch(prefetch);
    if (this.#stop.signal.aborted) return;
    this.#channel = channel;
    const received = new Map<number, ConsumeMessage>();
    receiver.attach(linkOf(channel, received, deadLetters, ended));
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) {
        ended.reject(new Error(`the queue ${queueName(sink)} was deleted`));
        return;
      }
      received.set(message.fields.deliveryTag, message);
      receiver.receive(toQueueMessage(message));
    };
    this.#consumerTag = (await channel.consume(queueName(sink), onMessage)).consumerTag;
  }
}

function linkOf(
  channel: Channel,
  received: Map<number, ConsumeMessage>,
  deadLetters: DeadLetterWriter,
  ended: PromiseWithResolvers<never>,
): QueueLink {
  return {
    ack(tag, multiple) {
      const message = received.get(tag);
      if (message === undefined) return;
      for (const open of received.keys()) {
        if (open > tag) break;
        if (multiple || open === tag) received.delete(open);
      }
      try {
        channel.ack(message, multiple);
      } catch (error) {
        // The channel is closed but has not reported it yet; the message comes again.
        ended.reject(error);
      }
    },
    async bury({ tag }, why) {
      const message = received.get(tag);
      if (message === undefined) throw new Error('the message is settled');
      await Promise.race([deadLetters.put(message, why), ended.promise]);
    },
  };
}

function toQueueMessage(message: ConsumeMessage): QueueMessage {
  const { messageId, headers } = message.properties;
  return {
    tag: message.fields.deliveryTag,
    id: typeof messageId === 'string' ? messageId : '',
    content: message.content,
    replayed: headers?.[REPLAYED_HEADER] !== undefined,
  };
}
