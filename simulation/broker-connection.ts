import { EventEmitter } from 'node:events';
import { Channel } from './broker-channel.ts';
import { illegal, type BrokerSide } from './broker-side.ts';

/** The broker's end of a connection. */
export class Connection extends EventEmitter {
  readonly broker: BrokerSide;
  /** amqplib's inner connection; our code reads only its socket. */
  readonly connection = { stream: undefined };
  readonly #channels = new Set<Channel>();
  isBlocked = false;
  #ended = false;

  readonly #onEnd: (connection: Connection) => void;

  constructor(broker: BrokerSide, onEnd: (connection: Connection) => void) {
    super();
    this.broker = broker;
    this.#onEnd = onEnd;
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

  /** RabbitMQ tells an existing connection at once, and a new one when it publishes. */
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
    this.#onEnd(this);
    if (error !== undefined) this.emit('error', error);
    for (const channel of this.#channels) channel.end(error ?? new Error('Connection closed'));
    this.emit('close', error);
  }
}
