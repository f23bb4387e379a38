import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { explainBrokerError, type BrokerError } from '../runtime/amqp/broker-error.ts';
import { connectBroker, endConnection, endOf, type BrokerTls } from '../runtime/amqp/connection.ts';
import { keepConnected, type Turn } from '../runtime/amqp/keep-connected.ts';
import { mayBeOfAMessage } from '../runtime/amqp/protocol-error.ts';
import { backOff } from '../runtime/sending/back-off.ts';

/** A confirm channel, from opening to closing. */
export interface Link {
  readonly model: ChannelModel;
  readonly channel: ConfirmChannel;
  /** The connection is dead. */
  readonly lost: () => void;
  /** The channel is unusable; the connection may still be usable. */
  readonly channelLost: (error: Error) => void;
  /** Replaces the channel. Call it only when nothing on the channel is unconfirmed. */
  readonly renew: () => void;
}

export interface BrokerLinkOptions {
  /** URLs of one broker each, tried in turn. */
  readonly urls: readonly string[];
  readonly connectionName?: string | undefined;
  readonly heartbeatS?: number | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly reconnectMs?: { readonly min: number; readonly max: number } | undefined;
  readonly tls?: BrokerTls | undefined;
  readonly connect?: typeof connectBroker | undefined;
  /** Declares the exchanges and queues to publish to. @throws RabbitMQ's error */
  readonly declare: (model: ChannelModel) => Promise<void>;
  /** Called when a new channel is ready for publishing. */
  readonly onBegin: (link: Link, isNewConnection: boolean) => void;
  /** Called when the broker closes the channel or the connection, possibly because of a published message. */
  readonly onBlame: (error: Error) => void;
  /** Called when a message comes back because no queue takes it. */
  readonly onReturn: (messageId: string) => void;
  /** Called when the channel accepts messages again. */
  readonly onDrain: () => void;
  /** Called when the broker connects, disconnects, blocks or unblocks us. */
  readonly onChange: () => void;
}

/**
 * How often exchanges and queues are declared again in case they were deleted, and the shortest interval after a returned
 * message.
 */
const DECLARE_MS = { every: 30_000, least: 1000 };
const RECONNECT_MS = { min: 100, max: 10_000 };

/** Keeps one channel open for publishing, reconnecting as needed, until it is closed. */
export class BrokerLink {
  readonly #options: BrokerLinkOptions;
  readonly #declaring: NodeJS.Timeout;
  readonly #closing = new AbortController();
  /** Destroys the socket if the link is closed while it is still connecting. */
  readonly #sockets = new AbortController();
  #link: Link | undefined;
  /** Channels in a row that the broker closed without answering a message in between. */
  #closedInARow = 0;
  #declaredAt = 0;
  #connected = false;
  #blocked = false;
  #broker = '';
  #lastError: BrokerError | undefined;

  constructor(options: BrokerLinkOptions) {
    this.#options = options;
    this.#declaring = setInterval(() => void this.#declareAgain(), DECLARE_MS.every);
    this.#declaring.unref();
    void keepConnected({
      urls: options.urls,
      reconnectMs: options.reconnectMs ?? RECONNECT_MS,
      signal: this.#closing.signal,
      stay: (turn) => this.#stayConnected(turn),
      onLost: (error) => {
        // Ending an attempt ourselves is not a lost connection.
        if (this.isClosing) return;
        this.#lastError = error;
        options.onChange();
      },
    });
  }

  /** undefined while there is no channel. */
  get current(): Link | undefined {
    return this.#link;
  }

  get isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /** The broker has blocked publishers. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** URL of the broker without the password. */
  get broker(): string {
    return this.#broker;
  }

  get lastError(): BrokerError | undefined {
    return this.#lastError;
  }

  /** Call this when the broker has answered a message: the count of closed channels starts again. */
  answered(): void {
    this.#closedInARow = 0;
  }

  /** Prevents further connections; the current one stays open. */
  beginClosing(): void {
    this.#closing.abort();
  }

  async close(): Promise<void> {
    this.beginClosing();
    clearInterval(this.#declaring);
    const link = this.#link;
    this.#link = undefined;
    if (link !== undefined) await endConnection(link.model);
    this.#sockets.abort();
  }

  /** Runs one connection until it ends. @throws what ended it */
  async #stayConnected({ url, broker, connected }: Turn): Promise<void> {
    this.#broker = broker;
    const {
      heartbeatS,
      connectTimeoutMs,
      connectionName = 'clowder-otel',
      tls,
      connect = connectBroker,
      onBegin,
      onBlame,
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
      for (let isFirst = true; !this.isClosing; isFirst = false) {
        /** Resolves with the error that ended the channel, or with undefined if we gave it up. */
        const channelEnded = Promise.withResolvers<Error | undefined>();
        let link: Link | undefined;
        const end = (error?: Error): void => {
          // A channel that we gave up may close after the next one has opened.
          if (this.#link === link) this.#link = undefined;
          channelEnded.resolve(error);
        };
        const channel = await Promise.race([this.#openChannel(model, end), ended.promise]);
        if (this.isClosing) return;
        begun = true;
        isPublishing = true;
        const lost = (): void => ended.reject(new Error('no confirm came in time'));
        link = { model, channel, lost, channelLost: end, renew: () => end() };
        this.#link = link;
        this.#connected = true;
        this.#lastError = undefined;
        onBegin(link, isFirst);
        if (isFirst) connected();
        const error = await Promise.race([channelEnded.promise, ended.promise]);
        this.#link = undefined;
        // A connection that ends takes its channels with it. By the next turn it has said why.
        await Promise.race([immediate(), ended.promise]);
        isPublishing = false;
        closeChannel(channel);
        if (error === undefined) continue;
        this.#lastError = explainBrokerError(error, broker);
        if (mayBeOfAMessage(error)) onBlame(error);
        await this.#pause(ended.promise);
      }
    } catch (error) {
      if (isPublishing && error instanceof Error && mayBeOfAMessage(error)) onBlame(error);
      throw error;
    } finally {
      this.#link = undefined;
      this.#connected = false;
      // close() ends a link that was started.
      if (!begun || !this.isClosing) void endConnection(model);
    }
  }

  /** Waits before the next channel; rejects as soon as the connection is gone. */
  async #pause(ended: Promise<never>): Promise<void> {
    const { min, max } = this.#options.reconnectMs ?? RECONNECT_MS;
    this.#closedInARow += 1;
    const pauseMs = backOff(this.#closedInARow, { first: 2 * min, longest: max }, Math.random);
    const { signal } = this.#closing;
    await Promise.race([delay(pauseMs, undefined, { signal }).catch(() => undefined), ended]);
  }

  async #openChannel(model: ChannelModel, lost: (error: Error) => void): Promise<ConfirmChannel> {
    const { declare, onReturn, onDrain } = this.#options;
    await declare(model);
    this.#declaredAt = performance.now();
    const channel = await model.createConfirmChannel();
    channel.on('error', lost);
    channel.on('close', () => lost(new Error('the channel was closed')));
    channel.on('return', ({ properties }) => {
      onReturn(String(properties.messageId ?? ''));
      // Our queues may have been deleted.
      if (performance.now() - this.#declaredAt > DECLARE_MS.least) void this.#declareAgain();
    });
    channel.on('drain', onDrain);
    return channel;
  }

  /** Restores what somebody may have deleted. Errors here do not stop publishing. */
  async #declareAgain(): Promise<void> {
    const model = this.#link?.model;
    if (model === undefined) return;
    this.#declaredAt = performance.now();
    try {
      await this.#options.declare(model);
    } catch (error) {
      this.#lastError = explainBrokerError(error, this.#broker);
    }
  }

  #setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.#options.onChange();
  }
}

/** Ignores the error that amqplib throws if the broker has already closed the channel. */
function closeChannel(channel: ConfirmChannel): void {
  try {
    channel.close().catch(() => undefined);
  } catch {
    // Already closed.
  }
}
