import { EventEmitter } from 'node:events';
import type { ChannelModel, Options } from 'amqplib';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

const EVENTS = 'clowder.events';
const METRICS = 'clowder.metrics';
/** Bytes of AMQP's short strings. */
const SHORT_STRING = 255;

/** A queue of a consumer, bound to `clowder.metrics`. */
export interface Queue {
  readonly name: string;
  bound: boolean;
  /** `x-overflow: reject-publish`, and no room. */
  full: boolean;
  /** Ids as they came, with each copy. */
  readonly got: { readonly id: string; readonly body: string; readonly atMs: number }[];
}

export type Answer = 'confirmed' | 'returned' | 'nacked';

type Confirm = (error: Error | null) => void;

interface Publish {
  readonly tag: number;
  readonly key: string;
  readonly content: Buffer;
  readonly id: string;
}

/** What the broker tells whoever watches it. */
export interface BrokerWatcher {
  published(id: string): void;
  answered(id: string, answer: Answer): void;
  /** Of these no answer came: their channel is gone. */
  cutOff(ids: readonly string[], reason: string): void;
  connected(): void;
  /** What no queue took may find one now. */
  routesChanged(): void;
}

/** RabbitMQ, as far as a publisher can tell. */
export class Broker {
  readonly queues: Queue[] = [
    { name: 'sink', bound: true, full: false, got: [] },
    { name: 'audit', bound: true, full: false, got: [] },
  ];
  up = true;
  alarm = false;
  /** It takes publishes and never answers. */
  silent = false;
  /** Several messages may be confirmed by one answer. */
  multiple = false;
  slowMs = 1;
  metricsBound = false;
  readonly forbidden = new Set<string>();
  maxBytes = Number.POSITIVE_INFINITY;
  readonly connections = new Set<Connection>();
  #process = 0;
  readonly random: Random;
  readonly time: VirtualTime;
  readonly watcher: BrokerWatcher;

  constructor(random: Random, time: VirtualTime, watcher: BrokerWatcher) {
    this.random = random;
    this.time = time;
    this.watcher = watcher;
  }

  connect = async (): Promise<ChannelModel> => {
    await this.after(this.random.int(1, 20));
    if (!this.up) throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5672'), { code: 'ECONNREFUSED' });
    const connection = new Connection(this);
    this.connections.add(connection);
    this.watcher.connected();
    return connection as unknown as ChannelModel;
  };

  /** For whoever asked: a process that has ended since hears nothing. */
  after(ms: number): Promise<void> {
    const process = this.#process;
    return new Promise((resolve) =>
      this.time.later(ms, () => {
        if (process === this.#process) resolve();
      }),
    );
  }

  /** The process at the other end is gone: what it sent before may still arrive, and nobody hears of it. */
  abandon(): void {
    this.#process += 1;
    for (const connection of this.connections) connection.abandon();
    this.connections.clear();
  }

  setAlarm(alarm: boolean): void {
    if (this.alarm === alarm) return;
    this.alarm = alarm;
    for (const connection of this.connections) {
      if (alarm) connection.tellOfAlarm();
      else connection.resume();
    }
  }

  /** Every connection ends; with a reason by the broker, or without one where the network was cut. */
  cut(error: Error): void {
    for (const connection of this.connections) connection.end(error);
  }

  /** It refuses some messages as they are. */
  get isStrict(): boolean {
    return this.forbidden.size > 0 || this.maxBytes < Number.POSITIVE_INFINITY;
  }

  /** @returns where a message goes, by name */
  route(): readonly Queue[] {
    return this.metricsBound ? this.queues.filter(({ bound }) => bound) : [];
  }
}

class Connection extends EventEmitter {
  readonly broker: Broker;
  /** amqplib's own, of which our code looks at the socket. */
  readonly connection = { stream: undefined };
  readonly #channels = new Set<Channel>();
  isBlocked = false;
  #ended = false;

  constructor(broker: Broker) {
    super();
    this.broker = broker;
  }

  createChannel = async (): Promise<Channel> => {
    await this.broker.after(1);
    if (this.#ended) throw illegal('Connection closed');
    const channel = new Channel(this);
    this.#channels.add(channel);
    return channel;
  };

  createConfirmChannel = this.createChannel;

  close = async (): Promise<void> => {
    if (this.#ended) throw illegal('Connection closed');
    await this.broker.after(1);
    this.end(undefined);
  };

  /** RabbitMQ tells a connection that is there, and a new one once it publishes. */
  tellOfAlarm(): void {
    if (this.isBlocked) return;
    this.isBlocked = true;
    this.emit('blocked', 'low on memory');
  }

  resume(): void {
    this.isBlocked = false;
    this.emit('unblocked');
    for (const channel of this.#channels) channel.deliver();
  }

  abandon(): void {
    this.#ended = true;
    this.removeAllListeners();
    for (const channel of this.#channels) channel.abandon();
  }

  forget(channel: Channel): void {
    this.#channels.delete(channel);
  }

  end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.broker.connections.delete(this);
    if (error !== undefined) this.emit('error', error);
    for (const channel of this.#channels) channel.end(error ?? new Error('Connection closed'));
    this.emit('close', error);
  }
}

class Channel extends EventEmitter {
  readonly #connection: Connection;
  readonly #broker: Broker;
  /** In the order of their tags; what was answered is undefined. */
  readonly #unconfirmed = new Map<number, { readonly id: string; readonly confirm: Confirm }>();
  readonly #onItsWay: Publish[] = [];
  /** Answers that the broker has not sent yet, in order. */
  #answers: { readonly tag: number; readonly answer: Answer }[] = [];
  #tag = 0;
  #delivering = false;
  #ended = false;

  constructor(connection: Connection) {
    super();
    this.#connection = connection;
    this.#broker = connection.broker;
  }

  assertExchange = (): Promise<void> => this.#asked();

  checkExchange = (): Promise<void> => this.#asked();

  bindExchange = async (destination: string, source: string): Promise<void> => {
    await this.#asked();
    if (destination !== METRICS || source !== EVENTS) return;
    if (!this.#broker.metricsBound) this.#broker.watcher.routesChanged();
    this.#broker.metricsBound = true;
  };

  close = async (): Promise<void> => {
    if (this.#ended) throw illegal('Channel closed');
    await this.#broker.after(1);
    this.end(undefined);
  };

  publish = (_exchange: string, key: string, content: Buffer, options: Options.Publish, confirm: Confirm): boolean => {
    if (this.#ended) throw illegal('Channel closed');
    this.#tag += 1;
    const id = String(options.messageId);
    this.#unconfirmed.set(this.#tag, { id, confirm });
    // amqplib counts the message before it finds that it cannot be written.
    if (Buffer.byteLength(id) > SHORT_STRING || Buffer.byteLength(key) > SHORT_STRING)
      throw new TypeError(`Field 'messageId' is the wrong type; must be a string (up to 255 chars)`);
    this.#broker.watcher.published(id);
    this.#onItsWay.push({ tag: this.#tag, key, content, id });
    this.#broker.time.later(this.#broker.slowMs, () => this.deliver());
    return true;
  };

  deliver(): void {
    if (this.#delivering) return;
    if (this.#broker.alarm && !this.#ended) this.#connection.tellOfAlarm();
    this.#delivering = true;
    while (!this.#ended && !this.#broker.alarm) {
      const next = this.#onItsWay.shift();
      if (next === undefined) break;
      this.#take(next);
    }
    this.#delivering = false;
  }

  abandon(): void {
    this.removeAllListeners();
    this.on('error', () => undefined);
    this.#onItsWay.splice(this.#broker.random.int(0, this.#onItsWay.length));
    this.deliver();
    this.#ended = true;
    const left = [...this.#unconfirmed.values()].map(({ id }) => id);
    if (left.length > 0) this.#broker.watcher.cutOff(left, 'the process ended');
  }

  end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connection.forget(this);
    const left = [...this.#unconfirmed.values()];
    this.#unconfirmed.clear();
    if (left.length > 0)
      this.#broker.watcher.cutOff(
        left.map(({ id }) => id),
        error?.message ?? 'closed',
      );
    for (const { confirm } of left) confirm(error ?? new Error('channel closed'));
    this.emit('close');
  }

  #take({ tag, key, content, id }: Publish): void {
    const broker = this.#broker;
    if (content.byteLength > broker.maxBytes)
      return this.#refuse(
        406,
        `PRECONDITION_FAILED - message size ${content.byteLength} is larger than configured max size ${broker.maxBytes}`,
      );
    if (broker.forbidden.has(key))
      return this.#refuse(
        403,
        `ACCESS_REFUSED - access to topic '${key}' in exchange 'clowder.events' in vhost '/' refused for user 'clowder'`,
      );
    const queues = broker.route();
    const open = queues.filter(({ full }) => !full);
    for (const { got } of open) got.push({ id, body: content.toString(), atMs: Date.now() });
    if (queues.length === 0) this.emit('return', { properties: { messageId: id } });
    this.#answer(tag, queues.length === 0 ? 'returned' : open.length < queues.length ? 'nacked' : 'confirmed');
  }

  #refuse(code: number, words: string): void {
    const error = Object.assign(new Error(`Channel closed by server: ${code} with message "${words}"`), { code });
    this.emit('error', error);
    this.end(error);
  }

  #answer(tag: number, answer: Answer): void {
    if (this.#broker.silent) return;
    this.#answers.push({ tag, answer });
    this.#broker.time.later(this.#broker.random.int(1, 3) * this.#broker.slowMs, () => this.#sendAnswers());
  }

  #sendAnswers(): void {
    if (this.#ended) return;
    const due = this.#broker.multiple ? this.#answers : this.#answers.slice(0, 1);
    this.#answers = this.#answers.slice(due.length);
    for (const { tag, answer } of due) {
      const entry = this.#unconfirmed.get(tag);
      if (entry === undefined) continue;
      this.#unconfirmed.delete(tag);
      this.#broker.watcher.answered(entry.id, answer);
      entry.confirm(answer === 'nacked' ? new Error('message nacked') : null);
    }
  }

  async #asked(): Promise<void> {
    if (this.#ended) throw illegal('Channel closed');
    await this.#broker.after(1);
    if (this.#ended) throw illegal('Channel closed');
  }
}

function illegal(message: string): Error {
  const error = new Error(message);
  error.name = 'IllegalOperationError';
  return error;
}
