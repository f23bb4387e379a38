import { EventEmitter } from 'node:events';
import type { Options } from 'amqplib';
import { illegal, type Answer, type BrokerSide, type Queue } from './broker-side.ts';

const EVENTS = 'clowder.events';
const METRICS = 'clowder.metrics';
/** Longest short string of AMQP, in bytes. */
const SHORT_STRING = 255;

type Confirm = (error: Error | null) => void;

interface Publish {
  readonly tag: number;
  readonly key: string;
  readonly content: Buffer;
  readonly id: string;
}

/** The connection that a channel belongs to. */
interface ChannelOwner {
  readonly broker: BrokerSide;
  tellOfAlarm(): void;
  forget(channel: Channel): void;
}

/** The broker's end of a channel: what is published on it, and the answers. */
export class Channel extends EventEmitter {
  readonly #connection: ChannelOwner;
  readonly #broker: BrokerSide;
  /** In the order of their tags; entries are removed when answered. */
  readonly #unconfirmed = new Map<number, { readonly id: string; readonly confirm: Confirm }>();
  readonly #onItsWay: Publish[] = [];
  /** Answers not sent yet, in order. */
  #answers: { readonly tag: number; readonly answer: Answer }[] = [];
  /** For each queue, whether its leader was found at the first publish. Like RabbitMQ 3.10, the channel does not look again. */
  readonly #found = new Map<Queue, boolean>();
  #tag = 0;
  #delivering = false;
  #ended = false;

  constructor(connection: ChannelOwner) {
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
    // amqplib counts the message before it notices that it cannot write it.
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
    const open = queues.filter((queue) => this.#finds(queue) && !queue.full);
    for (const { got } of open) got.push({ id, type: key, body: content.toString(), atMs: Date.now() });
    if (queues.length === 0) this.emit('return', { properties: { messageId: id } });
    this.#answer(tag, queues.length === 0 ? 'returned' : open.length < queues.length ? 'nacked' : 'confirmed');
  }

  #finds(queue: Queue): boolean {
    const found = this.#found.get(queue) ?? !queue.leaderless;
    this.#found.set(queue, found);
    return found;
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
