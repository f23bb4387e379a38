import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAmqpUrls } from '../runtime/amqp/amqp-url.ts';
import type { BrokerError } from '../runtime/amqp/broker-error.ts';
import { connectBroker, endConnection, endOf, type BrokerTls } from '../runtime/amqp/connection.ts';
import { keepConnected, type Turn } from '../runtime/amqp/keep-connected.ts';
import type { EventMessage } from './message.ts';
import { declareTopology, EVENTS_EXCHANGE } from '../runtime/amqp/topology.ts';

/** `confirmed`: RabbitMQ has it, on disk, in a queue. `returned`: no queue takes it. */
export type Outcome = 'confirmed' | 'returned';

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
  readonly onStateChange?: (state: PublisherState) => void;
  /** Called for each message that RabbitMQ confirmed or returned, with the seconds from publishing to that. */
  readonly onSettled?: (message: EventMessage, outcome: Outcome, seconds: number) => void;
}

export interface PublisherCounters {
  readonly confirmed: number;
  readonly returned: number;
  readonly nacked: number;
  readonly republished: number;
  readonly reconnects: number;
}

export interface Publisher {
  /**
   * Publishes unless it cannot be taken now. A message that was taken is published again, with the same id and in
   * order, until it is confirmed or returned.
   *
   * @returns false where it was not taken: try again after `ready()`
   */
  publish(message: EventMessage, onSettled: (outcome: Outcome) => void): boolean;
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
  readonly onSettled: (outcome: Outcome) => void;
  sentAt: number;
  /** From when the confirm is waited for: `sentAt`, or the end of a block. */
  waitingSince: number;
}

interface Link {
  readonly model: ChannelModel;
  readonly channel: ConfirmChannel;
  readonly lost: () => void;
}

const NACK_PAUSE_MS = 100;
const WATCH_MS = 1000;

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
  readonly #counters = { confirmed: 0, returned: 0, nacked: 0, republished: 0, reconnects: 0 };
  readonly #watch: NodeJS.Timeout;
  #link: Link | undefined;
  #next = 0;
  #connections = 0;
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
    void keepConnected({
      urls,
      reconnectMs: options.reconnectMs ?? { min: 100, max: 10_000 },
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
      connected: this.#link !== undefined,
      blocked: this.#blocked,
      broker: this.#broker,
      unconfirmed: this.#unconfirmed.size,
      lastError: this.#lastError,
    };
  }

  get counters(): PublisherCounters {
    return { ...this.#counters };
  }

  publish(message: EventMessage, onSettled: (outcome: Outcome) => void): boolean {
    if (!this.#isReady()) return false;
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
    } catch {
      // The channel is closed already; the entry stays and goes out on the next one.
      link.lost();
    }
  }

  #onConfirm(link: Link, entry: Entry, error: unknown): void {
    if (link !== this.#link) return;
    if (error !== null && error !== undefined) {
      // amqplib calls back with an error too when the channel closes: by the next turn the link is gone then.
      setImmediate(() => this.#onNack(link, entry));
      return;
    }
    this.#unconfirmed.delete(entry.number);
    const outcome: Outcome = this.#wasReturned(entry.message.messageId) ? 'returned' : 'confirmed';
    this.#counters[outcome] += 1;
    this.#options.onSettled?.(entry.message, outcome, (performance.now() - entry.sentAt) / 1000);
    entry.onSettled(outcome);
    this.#wake();
  }

  #onNack(link: Link, entry: Entry): void {
    if (link !== this.#link) return;
    this.#counters.nacked += 1;
    setTimeout(() => this.#resend(link, entry), NACK_PAUSE_MS);
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
    for (const entry of this.#unconfirmed.values()) {
      if (entry.waitingSince < limit && this.#link !== undefined && !this.#blocked) this.#link.lost();
      return;
    }
  }

  /** One connection from its beginning to its end; throws what ended it. */
  async #stayConnected({ url, broker, connected }: Turn): Promise<void> {
    this.#broker = broker;
    const { heartbeatS, connectTimeoutMs, connectionName = 'clowder-otel', tls } = this.#options;
    const { signal } = this.#sockets;
    const model = await connectBroker(url, { connectionName, heartbeatS, connectTimeoutMs, tls, signal });
    const ended = endOf(model);
    let begun = false;
    try {
      const channel = await Promise.race([this.#openChannel(model, ended.reject), ended.promise]);
      if (this.#closing.signal.aborted) return;
      begun = true;
      this.#begin({
        model,
        channel,
        lost: () => ended.reject(new Error('no confirm came in time, or the channel was closed')),
      });
      connected();
      await ended.promise;
    } finally {
      this.#link = undefined;
      // A link that was begun is ended by close().
      if (!begun || !this.#closing.signal.aborted) void endConnection(model);
    }
  }

  async #openChannel(model: ChannelModel, lost: (error: Error) => void): Promise<ConfirmChannel> {
    const channel = await model.createConfirmChannel();
    channel.on('error', lost);
    channel.on('close', () => lost(new Error('the channel was closed')));
    channel.on('return', (message) => {
      const id = String(message.properties.messageId);
      this.#returned.set(id, (this.#returned.get(id) ?? 0) + 1);
    });
    channel.on('drain', () => {
      this.#draining = false;
      this.#wake();
    });
    model.on('blocked', () => this.#setBlocked(true));
    model.on('unblocked', () => this.#setBlocked(false));
    await declareTopology(channel);
    return channel;
  }

  #setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    // No confirm could come meanwhile: the wait begins anew.
    if (!blocked) for (const entry of this.#unconfirmed.values()) entry.waitingSince = performance.now();
    this.#options.onStateChange?.(this.state);
    this.#wake();
  }

  /** A new connection: what was not confirmed goes out first, in order. */
  #begin(link: Link): void {
    this.#link = link;
    this.#blocked = false;
    this.#draining = false;
    this.#returned.clear();
    this.#lastError = undefined;
    if (this.#connections > 0) this.#counters.reconnects += 1;
    this.#connections += 1;
    this.#options.onStateChange?.(this.state);
    for (const entry of this.#unconfirmed.values()) this.#resend(link, entry);
    this.#wake();
  }
}
