import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { parseAmqpUrls } from '../runtime/amqp/amqp-url.ts';
import { explainBrokerError, type BrokerError } from '../runtime/amqp/broker-error.ts';
import { connectBroker, endConnection, endOf, type BrokerTls } from '../runtime/amqp/connection.ts';
import { keepConnected, type Turn } from '../runtime/amqp/keep-connected.ts';
import { faultOf, type EventMessage } from './message.ts';
import { mayBeOfAMessage } from '../runtime/amqp/protocol-error.ts';
import { declareTopology, EVENTS_EXCHANGE } from '../runtime/amqp/topology.ts';
import { backOff } from '../runtime/sending/back-off.ts';

/**
 * `confirmed`: RabbitMQ has it, on disk, in a queue. `returned`: no queue takes it. `nacked`: a queue does not take it now.
 * `refused`: it can never be published as it is.
 */
export type Outcome = 'confirmed' | 'returned' | 'nacked' | 'refused';

/** @param reason why a message was refused: the broker's words, or which limit of AMQP it passes */
export type OnOutcome = (outcome: Outcome, reason?: string) => void;

export interface PublisherState {
  readonly connected: boolean;
  /** RabbitMQ has blocked publishers (memory or disk alarm). */
  readonly blocked: boolean;
  /** URL of the broker without the password. */
  readonly broker: string;
  readonly unconfirmed: number;
  readonly lastError: BrokerError | undefined;
}

export interface PublisherOptions {
  /** As AMQP_URL: brokers separated by commas. @default amqp://guest:guest@127.0.0.1:5672 */
  readonly urls?: string | undefined;
  /** Messages that may be unconfirmed at once. @default 2000 */
  readonly window?: number;
  /** A confirm that takes longer means a dead connection, in milliseconds. @default 30000 */
  readonly confirmTimeoutMs?: number;
  /** @default 15 s */
  readonly heartbeatS?: number;
  /** Bounds of the pause before the next try to connect. @default 100 to 10000 ms */
  readonly reconnectMs?: { readonly min: number; readonly max: number };
  readonly connectTimeoutMs?: number;
  /** @default clowder-otel */
  readonly connectionName?: string;
  readonly tls?: BrokerTls;
  /** @default connectBroker */
  readonly connect?: typeof connectBroker;
  readonly onStateChange?: (state: PublisherState) => void;
  /** Called for each message that RabbitMQ answered, with the seconds from publishing to that. */
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
   * Publishes unless it cannot be taken now. A message that was taken is published again, with the same id and in
   * order, until the broker has answered it. Where the broker closes the channel twice over what is unconfirmed, each of
   * that goes out alone, and the one that the broker refuses is settled as `refused`.
   *
   * @returns false where it was not taken: try again after `ready()`
   */
  publish(message: EventMessage, onSettled: OnOutcome): boolean;
  /** Resolves when a message would be taken, and when the publisher is closed. */
  ready(): Promise<void>;
  readonly state: PublisherState;
  readonly counters: PublisherCounters;
  /**
   * Takes no more, waits for outstanding confirms, closes the connection; never longer than the time-out and a second.
   *
   * @returns the messages that were not confirmed
   */
  close(options?: { timeoutMs?: number }): Promise<readonly EventMessage[]>;
}

interface Entry {
  readonly number: number;
  readonly message: EventMessage;
  readonly onSettled: OnOutcome;
  sentAt: number;
  /** From when the confirm is waited for: `sentAt`, or the end of a block. */
  waitingSince: number;
}

interface Link {
  readonly model: ChannelModel;
  readonly channel: ConfirmChannel;
  /** The connection is dead. */
  readonly lost: () => void;
  /** The channel is of no use any more, the connection may be. */
  readonly channelLost: (error: Error) => void;
}

/** How often what is bound by us is bound again, should somebody have taken it away; and how soon again, where messages are returned. */
const DECLARE_MS = { every: 30_000, least: 1000 };
const WATCH_MS = 1000;
const RECONNECT_MS = { min: 100, max: 10_000 };

/** Makes a publisher; it connects in the background and goes on trying until it is closed. */
export function createPublisher(options: PublisherOptions = {}): Publisher {
  return new ConfirmPublisher(options);
}

class ConfirmPublisher implements Publisher {
  readonly #options: PublisherOptions;
  readonly #window: number;
  /** What was taken and not settled yet, in order. */
  readonly #unconfirmed = new Map<number, Entry>();
  /** How often an id came back as unroutable; as many confirms of it follow. */
  readonly #returned = new Map<string, number>();
  readonly #counters = { confirmed: 0, returned: 0, nacked: 0, refused: 0, republished: 0, reconnects: 0 };
  readonly #watch: NodeJS.Timeout;
  readonly #declaring: NodeJS.Timeout;
  #link: Link | undefined;
  #next = 0;
  /** The last entry that was unconfirmed when the broker first closed a channel over one of them. */
  #suspectedTo = -1;
  /** Entries up to this number go out alone. */
  #aloneTo = -1;
  /** Channels in a row that the broker closed, with nothing settled in between. */
  #closedInARow = 0;
  #declaredAt = 0;
  #connections = 0;
  #connected = false;
  #blocked = false;
  #draining = false;
  #broker = '';
  #lastError: BrokerError | undefined;
  #waiters: (() => void)[] = [];
  readonly #closing = new AbortController();
  /** Destroys a socket that is still connecting when the publisher has closed. */
  readonly #sockets = new AbortController();

  constructor(options: PublisherOptions) {
    const urls = parseAmqpUrls(options.urls);
    this.#options = options;
    this.#window = options.window ?? 2000;
    this.#watch = setInterval(() => this.#checkOldest(), WATCH_MS);
    this.#watch.unref();
    this.#declaring = setInterval(() => void this.#declareAgain(), DECLARE_MS.every);
    this.#declaring.unref();
    void keepConnected({
      urls,
      reconnectMs: options.reconnectMs ?? RECONNECT_MS,
      signal: this.#closing.signal,
      stay: (turn) => this.#stayConnected(turn),
      onLost: (error) => {
        this.#lastError = error;
        this.#options.onStateChange?.(this.state);
      },
    });
  }

  get state(): PublisherState {
    return {
      connected: this.#connected,
      blocked: this.#blocked,
      broker: this.#broker,
      unconfirmed: this.#unconfirmed.size,
      lastError: this.#lastError,
    };
  }

  get counters(): PublisherCounters {
    return { ...this.#counters };
  }

  publish(message: EventMessage, onSettled: OnOutcome): boolean {
    if (!this.#isReady()) return false;
    const fault = faultOf(message);
    if (fault !== undefined) {
      this.#counters.refused += 1;
      queueMicrotask(() => onSettled('refused', fault));
      return true;
    }
    const entry: Entry = { number: this.#next, message, onSettled, sentAt: 0, waitingSince: 0 };
    this.#next += 1;
    this.#unconfirmed.set(entry.number, entry);
    this.#send(entry);
    return true;
  }

  ready(): Promise<void> {
    if (this.#isReady() || this.#closing.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  async close({ timeoutMs = 5000 }: { timeoutMs?: number } = {}): Promise<readonly EventMessage[]> {
    this.#closing.abort();
    this.#wakeAll();
    const end = performance.now() + timeoutMs;
    while (this.#unconfirmed.size > 0 && this.#link !== undefined && performance.now() < end) await delay(5);
    clearInterval(this.#watch);
    clearInterval(this.#declaring);
    const link = this.#link;
    this.#link = undefined;
    if (link !== undefined) {
      await endConnection(link.model);
    }
    this.#sockets.abort();
    return [...this.#unconfirmed.values()].map((entry) => entry.message);
  }

  #isReady(): boolean {
    return (
      this.#link !== undefined &&
      !this.#blocked &&
      !this.#draining &&
      !this.#isAlone() &&
      !this.#closing.signal.aborted &&
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
    const link = this.#link;
    if (link === undefined) return;
    const { routingKey, content, options } = entry.message;
    entry.sentAt = performance.now();
    entry.waitingSince = entry.sentAt;
    try {
      const more = link.channel.publish(EVENTS_EXCHANGE, routingKey, content, options, (error: unknown) =>
        this.#onConfirm(link, entry, error),
      );
      if (!more) this.#draining = true;
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      // The channel is closed already: the entry stays and goes out on the next one. Whatever else is thrown is about
      // the message, and the channel counts a confirm that will never come.
      if (cause.name !== 'IllegalOperationError') this.#settle(entry, 'refused', cause.message);
      link.channelLost(cause);
    }
  }

  #onConfirm(link: Link, entry: Entry, error: unknown): void {
    if (link !== this.#link) return;
    if (error !== null && error !== undefined) {
      // amqplib calls back with an error too when the channel closes: by the next turn the link is gone then.
      setImmediate(() => {
        if (link === this.#link) this.#settle(entry, 'nacked');
      });
      return;
    }
    this.#settle(entry, this.#wasReturned(entry.message.messageId) ? 'returned' : 'confirmed');
  }

  #settle(entry: Entry, outcome: Outcome, reason?: string): void {
    if (!this.#unconfirmed.delete(entry.number)) return;
    this.#closedInARow = 0;
    this.#counters[outcome] += 1;
    this.#options.onSettled?.(entry.message, outcome, (performance.now() - entry.sentAt) / 1000);
    entry.onSettled(outcome, reason);
    if (this.#isAlone()) this.#sendNextAlone();
    this.#wake();
  }

  #isAlone(): boolean {
    return this.#aloneTo >= 0;
  }

  #head(): Entry | undefined {
    for (const entry of this.#unconfirmed.values()) return entry;
    return undefined;
  }

  /** The next of those that go out alone, or all others once there is none left. */
  #sendNextAlone(): void {
    const link = this.#link;
    const head = this.#head();
    if (head !== undefined && head.number <= this.#aloneTo) {
      if (link !== undefined) this.#resend(link, head);
      return;
    }
    this.#aloneTo = -1;
  }

  /** The broker closed the channel, or the connection, over something that was sent. */
  #blame(error: Error): void {
    const head = this.#head();
    if (head === undefined) return;
    if (this.#isAlone()) {
      this.#settle(head, 'refused', error.message);
      return;
    }
    if (head.number <= this.#suspectedTo) {
      this.#aloneTo = this.#next - 1;
      this.#suspectedTo = -1;
    } else this.#suspectedTo = this.#next - 1;
  }

  #wasReturned(id: string): boolean {
    const count = this.#returned.get(id);
    if (count === undefined) return false;
    if (count > 1) this.#returned.set(id, count - 1);
    else this.#returned.delete(id);
    return true;
  }

  #resend(link: Link, entry: Entry): void {
    if (link !== this.#link) return;
    this.#counters.republished += 1;
    this.#send(entry);
  }

  /** A confirm that does not come means a connection that is dead and does not know it. */
  #checkOldest(): void {
    const limit = performance.now() - (this.#options.confirmTimeoutMs ?? 30_000);
    const oldest = this.#head();
    if (oldest !== undefined && oldest.waitingSince < limit && !this.#blocked) this.#link?.lost();
  }

  /** One connection from its beginning to its end; throws what ended it. */
  async #stayConnected({ url, broker, connected }: Turn): Promise<void> {
    this.#broker = broker;
    const {
      heartbeatS,
      connectTimeoutMs,
      connectionName = 'clowder-otel',
      tls,
      connect = connectBroker,
    } = this.#options;
    const { signal } = this.#sockets;
    const model = await connect(url, { connectionName, heartbeatS, connectTimeoutMs, tls, signal });
    this.#blocked = false;
    model.on('blocked', () => this.#setBlocked(true));
    model.on('unblocked', () => this.#setBlocked(false));
    const ended = endOf(model);
    let begun = false;
    let isPublishing = false;
    try {
      for (let isFirst = true; !this.#closing.signal.aborted; isFirst = false) {
        const channelEnded = Promise.withResolvers<Error>();
        const end = (error: Error): void => {
          this.#link = undefined;
          channelEnded.resolve(error);
        };
        const channel = await Promise.race([this.#openChannel(model, end), ended.promise]);
        if (this.#closing.signal.aborted) return;
        begun = true;
        isPublishing = true;
        const lost = (): void => ended.reject(new Error('no confirm came in time'));
        this.#begin({ model, channel, lost, channelLost: end }, isFirst);
        if (isFirst) connected();
        const error = await Promise.race([channelEnded.promise, ended.promise]);
        this.#link = undefined;
        // A connection that ends takes its channels with it: by the next turn it has said why.
        await Promise.race([immediate(), ended.promise]);
        isPublishing = false;
        this.#closeChannel(channel);
        this.#lastError = explainBrokerError(error, broker);
        if (mayBeOfAMessage(error)) this.#blame(error);
        await this.#pause(ended.promise);
      }
    } catch (error) {
      if (isPublishing && error instanceof Error && mayBeOfAMessage(error)) this.#blame(error);
      throw error;
    } finally {
      this.#link = undefined;
      this.#connected = false;
      // A link that was begun is ended by close().
      if (!begun || !this.#closing.signal.aborted) void endConnection(model);
    }
  }

  /** Between two channels; rejects as soon as the connection is gone. */
  async #pause(ended: Promise<never>): Promise<void> {
    const { min, max } = this.#options.reconnectMs ?? RECONNECT_MS;
    this.#closedInARow += 1;
    const pauseMs = backOff(this.#closedInARow, { first: 2 * min, longest: max }, Math.random);
    const { signal } = this.#closing;
    await Promise.race([delay(pauseMs, undefined, { signal }).catch(() => undefined), ended]);
  }

  /** One that the broker has closed already throws. */
  #closeChannel(channel: ConfirmChannel): void {
    try {
      channel.close().catch(() => undefined);
    } catch {
      // Closed: as it should be.
    }
  }

  async #openChannel(model: ChannelModel, lost: (error: Error) => void): Promise<ConfirmChannel> {
    const channel = await model.createConfirmChannel();
    channel.on('error', lost);
    channel.on('close', () => lost(new Error('the channel was closed')));
    channel.on('return', (message) => {
      const id = String(message.properties.messageId);
      this.#returned.set(id, (this.#returned.get(id) ?? 0) + 1);
      // Perhaps because the binding of ours is gone.
      if (performance.now() - this.#declaredAt > DECLARE_MS.least) void this.#declareAgain();
    });
    channel.on('drain', () => {
      this.#draining = false;
      this.#wake();
    });
    await declareTopology(channel);
    this.#declaredAt = performance.now();
    return channel;
  }

  /** Should somebody have taken away what is ours; on a channel of its own, so that its errors end no publishing. */
  async #declareAgain(): Promise<void> {
    const model = this.#link?.model;
    if (model === undefined) return;
    this.#declaredAt = performance.now();
    try {
      const channel = await model.createChannel();
      channel.on('error', () => undefined);
      await declareTopology(channel);
      await channel.close();
    } catch (error) {
      this.#lastError = explainBrokerError(error, this.#broker);
    }
  }

  #setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    // No confirm could come meanwhile: the wait begins anew.
    if (!blocked) for (const entry of this.#unconfirmed.values()) entry.waitingSince = performance.now();
    this.#options.onStateChange?.(this.state);
    this.#wake();
  }

  /** A new channel: what was not confirmed goes out first, in order. */
  #begin(link: Link, isNewConnection: boolean): void {
    this.#link = link;
    this.#connected = true;
    this.#draining = false;
    this.#returned.clear();
    this.#lastError = undefined;
    if (isNewConnection && this.#connections > 0) this.#counters.reconnects += 1;
    if (isNewConnection) this.#connections += 1;
    this.#options.onStateChange?.(this.state);
    if (this.#isAlone()) this.#sendNextAlone();
    if (!this.#isAlone()) for (const entry of this.#unconfirmed.values()) this.#resend(link, entry);
    this.#wake();
  }
}
