import type { ChannelModel } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAmqpUrls } from '../runtime/amqp/amqp-url.ts';
import type { BrokerError } from '../runtime/amqp/broker-error.ts';
import type { BrokerTls, connectBroker } from '../runtime/amqp/connection.ts';
import { onChannel } from '../runtime/amqp/on-channel.ts';
import { declareTopology, EVENTS_EXCHANGE } from '../runtime/amqp/topology.ts';
import { errorText } from '../runtime/error-text.ts';
import { BrokerLink, type Link } from './broker-link.ts';
import { FrameWriter } from './frame-writer.ts';
import { faultOf, type EventMessage } from './message.ts';
import { NackedTopics } from './nacked-topics.ts';
import type { OnOutcome, Outcome } from './outcome.ts';
import { RefusedTopics } from './refused-topics.ts';
import { Unconfirmed, type Entry } from './unconfirmed.ts';

export type { OnOutcome, Outcome } from './outcome.ts';

export interface PublisherState {
  readonly connected: boolean;
  /** RabbitMQ has blocked publishers (memory or disk alarm). */
  readonly blocked: boolean;
  /** The broker's URL without the password. */
  readonly broker: string;
  readonly unconfirmed: number;
  readonly lastError: BrokerError | undefined;
}

/** The exchange to publish to. */
export interface PublishTarget {
  /** '' for the default exchange, which takes the routing key as the name of a queue. */
  readonly exchange: string;
  /** Declares the exchanges and queues to publish to. @throws RabbitMQ's error */
  readonly declare: (model: ChannelModel) => Promise<void>;
}

export interface PublisherOptions {
  /** Broker URLs separated by commas, as in AMQP_URL. @default amqp://guest:guest@127.0.0.1:5672 */
  readonly urls?: string | undefined;
  /** @default the exchange for events, with the one for metrics bound to it */
  readonly target?: PublishTarget;
  /** The most messages that may be unconfirmed at once. @default 2000 */
  readonly window?: number;
  /** A confirm that takes longer than this, in milliseconds, means a dead connection. @default 30000 */
  readonly confirmTimeoutMs?: number;
  /** @default 15 s */
  readonly heartbeatS?: number;
  /** Bounds of the pause before the next attempt to connect. @default 100 to 10000 ms */
  readonly reconnectMs?: { readonly min: number; readonly max: number };
  readonly connectTimeoutMs?: number;
  /** @default clowder-otel */
  readonly connectionName?: string;
  readonly tls?: BrokerTls;
  /** @default connectBroker */
  readonly connect?: typeof connectBroker;
  readonly onStateChange?: (state: PublisherState) => void;
  /** Called for each message that RabbitMQ answered, with the seconds since it was published. */
  readonly onSettled?: (message: EventMessage, outcome: Outcome, seconds: number) => void;
}

export interface PublisherCounters {
  readonly confirmed: number;
  readonly returned: number;
  readonly nacked: number;
  readonly refused: number;
  readonly republished: number;
  readonly reconnects: number;
}

export interface Publisher {
  /**
   * Publishes unless it cannot accept a message now. An accepted message is published again, with the same id and in
   * order, until the broker has answered. If the broker closes the channel twice while the same messages are
   * unconfirmed, each of them goes out alone, and the one that the broker refuses is settled as `refused`.
   *
   * @returns false if it was not accepted: try again after `ready()`
   */
  publish(message: EventMessage, onSettled: OnOutcome): boolean;
  /** Resolves when the publisher can accept a message, or once it is closed. */
  ready(): Promise<void>;
  readonly state: PublisherState;
  readonly counters: PublisherCounters;
  /**
   * Accepts no more messages, waits for outstanding confirms and closes the connection. It takes at most the time-out plus one
   * second.
   *
   * @returns the messages that were not confirmed
   */
  close(options?: { timeoutMs?: number }): Promise<readonly EventMessage[]>;
}

const WATCH_MS = 1000;
const EVENTS: PublishTarget = {
  exchange: EVENTS_EXCHANGE,
  declare: (model) => onChannel(model, declareTopology),
};

/** Creates a publisher. It connects in the background and keeps trying until it is closed. */
export function createPublisher(options: PublisherOptions = {}): Publisher {
  return new ConfirmPublisher(options);
}

class ConfirmPublisher implements Publisher {
  readonly #options: PublisherOptions;
  readonly #target: PublishTarget;
  readonly #window: number;
  readonly #unconfirmed = new Unconfirmed();
  readonly #refusedTopics = new RefusedTopics(() => performance.now());
  readonly #nackedTopics = new NackedTopics(() => performance.now());
  readonly #counters = { confirmed: 0, returned: 0, nacked: 0, refused: 0, republished: 0, reconnects: 0 };
  readonly #watch: NodeJS.Timeout;
  readonly #broker: BrokerLink;
  #connections = 0;
  #draining = false;
  /** The channel is being given up: it sends nothing more, and is replaced once every message has an answer. */
  #isRenewing = false;
  /** The current channel's writer. */
  #writer: FrameWriter | undefined;
  #waiters: (() => void)[] = [];

  constructor(options: PublisherOptions) {
    const urls = parseAmqpUrls(options.urls);
    this.#options = options;
    this.#target = options.target ?? EVENTS;
    this.#window = options.window ?? 2000;
    this.#watch = setInterval(() => {
      this.#checkOldest();
      this.#checkNacked();
    }, WATCH_MS);
    this.#watch.unref();
    this.#broker = new BrokerLink({
      ...options,
      urls,
      declare: this.#target.declare,
      onBegin: (link, isNewConnection) => this.#begin(link, isNewConnection),
      onBlame: (error) => this.#blame(error),
      onReturn: (id) => this.#unconfirmed.cameBack(id),
      onDrain: () => {
        this.#draining = false;
        this.#wake();
      },
      onChange: () => this.#onChange(),
    });
  }

  get state(): PublisherState {
    const { isConnected: connected, isBlocked: blocked, broker, lastError } = this.#broker;
    return { connected, blocked, broker, unconfirmed: this.#unconfirmed.size, lastError };
  }

  get counters(): PublisherCounters {
    return { ...this.#counters };
  }

  publish(message: EventMessage, onSettled: OnOutcome): boolean {
    if (!this.#isReady()) return false;
    const fault = faultOf(message) ?? this.#refusedTopics.reasonFor(message.routingKey);
    if (fault !== undefined) {
      this.#counters.refused += 1;
      queueMicrotask(() => onSettled('refused', fault));
      return true;
    }
    this.#send(this.#unconfirmed.add(message, onSettled));
    return true;
  }

  ready(): Promise<void> {
    if (this.#isReady() || this.#broker.isClosing) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async close({ timeoutMs = 5000 }: { timeoutMs?: number } = {}): Promise<readonly EventMessage[]> {
    this.#broker.beginClosing();
    this.#wakeAll();
    const end = performance.now() + timeoutMs;
    while (this.#unconfirmed.size > 0 && this.#broker.current !== undefined && performance.now() < end) await delay(5);
    clearInterval(this.#watch);
    await this.#broker.close();
    return this.#unconfirmed.all().map((entry) => entry.message);
  }

  #isReady(): boolean {
    return (
      this.#broker.current !== undefined &&
      !this.#broker.isBlocked &&
      !this.#draining &&
      !this.#isRenewing &&
      !this.#unconfirmed.isAlone &&
      !this.#broker.isClosing &&
      this.#unconfirmed.size < this.#window
    );
  }

  #wake(): void {
    if (this.#waiters.length > 0 && this.#isReady()) this.#wakeAll();
  }

  #wakeAll(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  #send(entry: Entry): void {
    const [link, writer] = [this.#broker.current, this.#writer];
    if (link === undefined || writer === undefined) return;
    entry.sentAt = performance.now();
    entry.waitingSince = entry.sentAt;
    try {
      writer.publish(entry.message, (error) => this.#onConfirm(link, entry, error));
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(errorText(error));
      // The channel is already closed: the entry stays and goes out on the next one. Any other error is about the message
      // itself, and amqplib then waits for a confirm that never comes.
      if (cause.name !== 'IllegalOperationError') this.#settle(entry, 'refused', errorText(cause));
      link.channelLost(cause);
    }
  }

  #onConfirm(link: Link, entry: Entry, error: unknown): void {
    if (link !== this.#broker.current) return;
    if (error !== null && error !== undefined) {
      // amqplib also calls back with an error when the channel closes; in that case the link is gone by the next turn.
      setImmediate(() => {
        if (link === this.#broker.current) this.#settle(entry, 'nacked');
      });
      return;
    }
    this.#settle(entry, this.#unconfirmed.wasReturned(entry.message.messageId) ? 'returned' : 'confirmed');
  }

  #settle(entry: Entry, outcome: Outcome, reason?: string): void {
    if (!this.#unconfirmed.remove(entry)) return;
    this.#broker.answered();
    this.#counters[outcome] += 1;
    const { routingKey } = entry.message;
    if (outcome !== 'refused') this.#refusedTopics.forget(routingKey);
    if (outcome === 'nacked') this.#nackedTopics.nacked(routingKey);
    else if (outcome === 'confirmed') this.#nackedTopics.taken(routingKey);
    this.#options.onSettled?.(entry.message, outcome, (performance.now() - entry.sentAt) / 1000);
    entry.onSettled(outcome, reason);
    if (this.#unconfirmed.isAlone) this.#sendNextAlone();
    this.#renewOnceAnswered();
    this.#wake();
  }

  #sendNextAlone(): void {
    const next = this.#unconfirmed.nextAlone();
    if (next !== undefined) this.#resend(next);
  }

  #blame(error: Error): void {
    const again = this.#refusedTopics.refusedAgain(error);
    const entry = (again === undefined ? undefined : this.#unconfirmed.of(again)[0]) ?? this.#unconfirmed.blame();
    if (entry === undefined) return;
    const reason = errorText(error);
    const { routingKey } = entry.message;
    const isOfTopic = this.#refusedTopics.learn(routingKey, error, reason);
    for (const one of isOfTopic ? this.#unconfirmed.of(routingKey) : [entry]) this.#settle(one, 'refused', reason);
  }

  #resend(entry: Entry): void {
    if (this.#broker.current === undefined) return;
    this.#counters.republished += 1;
    this.#send(entry);
  }

  /** A missing confirm means a dead connection that nobody has noticed. */
  #checkOldest(): void {
    const limit = performance.now() - (this.#options.confirmTimeoutMs ?? 30_000);
    const oldest = this.#unconfirmed.head;
    if (oldest !== undefined && oldest.waitingSince < limit && !this.#broker.isBlocked) this.#broker.current?.lost();
  }

  /** Waits until every message has an answer: a resend would give other queues a second copy. */
  #checkNacked(): void {
    if (this.#isRenewing || this.#broker.current === undefined || !this.#nackedTopics.giveUp()) return;
    this.#isRenewing = true;
    this.#renewOnceAnswered();
  }

  #renewOnceAnswered(): void {
    if (this.#isRenewing && this.#unconfirmed.size === 0) this.#broker.current?.renew();
  }

  #onChange(): void {
    // No confirm could come while the broker had blocked us, so the wait starts again.
    if (this.#broker.isConnected && !this.#broker.isBlocked)
      for (const entry of this.#unconfirmed.all()) entry.waitingSince = performance.now();
    this.#options.onStateChange?.(this.state);
    this.#wake();
  }

  /** Starts on a new channel: unconfirmed messages go out first, in order. */
  #begin(link: Link, isNewConnection: boolean): void {
    this.#draining = false;
    this.#isRenewing = false;
    this.#nackedTopics.begun();
    const writer = new FrameWriter(
      link.channel,
      this.#target.exchange,
      () => (this.#draining = writer === this.#writer),
    );
    this.#writer = writer;
    this.#unconfirmed.forgetReturned();
    if (isNewConnection && this.#connections > 0) this.#counters.reconnects += 1;
    if (isNewConnection) this.#connections += 1;
    this.#options.onStateChange?.(this.state);
    if (this.#unconfirmed.isAlone) this.#sendNextAlone();
    if (!this.#unconfirmed.isAlone)
      for (const entry of this.#unconfirmed.all()) if (link === this.#broker.current) this.#resend(entry);
    this.#wake();
  }
}
