import type { ConfirmChannel } from 'amqplib';
import { Writable } from 'node:stream';
import { PublishFrames, type Publishable } from './publish-frames.ts';

/** Most bytes of frames gathered before they go to the connection. */
const GATHERED_BYTES = 64 * 1024;

type OnConfirm = (error: unknown) => void;

/** The internals of amqplib's channel that accept frames; its public interface offers nothing similar. */
interface Insides {
  readonly number: number;
  readonly frameMax: number;
  /** The stream for the channel's frames; undefined once the channel is closing. */
  readonly out: () => Writable | undefined;
  readonly expectConfirm: (onConfirm: OnConfirm) => void;
}

/**
 * Publishes on a confirm channel. It encodes the messages of one turn and writes them at once. Messages that it cannot encode
 * go through amqplib, in the same order. So do all messages if amqplib's internals are not the expected ones.
 */
export class FrameWriter {
  readonly #channel: ConfirmChannel;
  readonly #exchange: string;
  readonly #onFull: () => void;
  readonly #insides: Insides | undefined;
  readonly #frames: PublishFrames | undefined;
  #isScheduled = false;

  /** @param onFull called when the connection accepts no more; the channel emits `drain` once it does */
  constructor(channel: ConfirmChannel, exchange: string, onFull: () => void) {
    this.#channel = channel;
    this.#exchange = exchange;
    this.#onFull = onFull;
    this.#insides = insidesOf(channel);
    if (this.#insides !== undefined)
      this.#frames = new PublishFrames(this.#insides.number, exchange, this.#insides.frameMax);
  }

  /**
   * @param onConfirm called once, as by amqplib
   * @throws what amqplib's `publish` throws
   */
  publish(message: Publishable, onConfirm: OnConfirm): void {
    if (this.#insides?.out() !== undefined && this.#frames?.put(message) === true) {
      this.#insides.expectConfirm(onConfirm);
      if (this.#frames.waiting >= GATHERED_BYTES) this.#flush();
      else this.#schedule();
      return;
    }
    this.#flush();
    const { routingKey, content, options } = message;
    if (!this.#channel.publish(this.#exchange, routingKey, content, options, onConfirm)) this.#onFull();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#frames === undefined || this.#frames.waiting === 0) return;
    const piece = this.#frames.take();
    // A closed channel confirms nothing, so its messages go out again on the next one.
    const out = this.#insides?.out();
    if (out !== undefined && !out.write(piece)) this.#onFull();
  }
}

/** The method that amqplib replaces on a closing channel or connection, to refuse sending. */
const SEND = 'sendMessage';

function insidesOf(channel: ConfirmChannel): Insides | undefined {
  const connection: unknown = Reflect.get(channel, 'connection');
  if (!isObject(connection)) return undefined;
  const number: unknown = Reflect.get(channel, 'ch');
  const frameMax: unknown = Reflect.get(connection, 'frameMax');
  const channels: unknown = Reflect.get(connection, 'channels');
  const push: unknown = Reflect.get(channel, 'pushConfirmCallback');
  if (typeof number !== 'number' || typeof frameMax !== 'number' || !Array.isArray(channels)) return undefined;
  if (typeof push !== 'function' || Object.hasOwn(channel, SEND)) return undefined;
  const entry: unknown = channels[number];
  if (!isObject(entry)) return undefined;
  const buffer: unknown = Reflect.get(entry, 'buffer');
  if (!(buffer instanceof Writable) || Reflect.get(entry, 'channel') !== channel) return undefined;
  return {
    number,
    frameMax,
    out: () => (Object.hasOwn(channel, SEND) || Object.hasOwn(connection, SEND) ? undefined : buffer),
    expectConfirm: (onConfirm) => void Reflect.apply(push, channel, [onConfirm]),
  };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
