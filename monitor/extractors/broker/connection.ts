import type { Channel } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import { redactAmqpUrl } from '../../../exporter/amqp-url.ts';
import { explainBrokerError, type BrokerError } from '../../../exporter/broker-error.ts';
import { connectBroker, endConnection, type BrokerTls } from '../../../exporter/connection.ts';
import { runSubscription, type Subscription, type SubscriptionRunner } from './subscription.ts';

export interface BrokerOptions {
  /** As `parseAmqpUrls` gives them: tried in turn. */
  readonly urls: readonly string[];
  readonly tls?: BrokerTls | undefined;
  readonly connectionName: string;
  readonly subscriptions: readonly Subscription[];
  readonly runner: SubscriptionRunner;
  readonly onConnected?: (openChannel: () => Promise<Channel>, signal: AbortSignal) => void;
  /** The connection was refused, or lost. */
  readonly onLost: (error: BrokerError) => void;
  /** Bounds of the pause before the next try. @default 200 to 10000 ms */
  readonly reconnectMs?: { readonly min: number; readonly max: number };
}

/** Keeps a connection, and everything that listens on it, until `stop`. */
export class BrokerConnection {
  readonly #options: BrokerOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #connected = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#running = this.#keepConnected();
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Ends what listens, and the connection; within two seconds or so. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #keepConnected(): Promise<void> {
    const { urls, reconnectMs: { min, max } = { min: 200, max: 10_000 } } = this.#options;
    const { signal } = this.#stopping;
    for (let attempt = 0, turn = 0; !signal.aborted; turn += 1) {
      const url = urls[turn % urls.length] ?? '';
      try {
        await this.#stayConnected(url, () => (attempt = 0));
      } catch (error) {
        if (!signal.aborted) this.#options.onLost(explainBrokerError(error, redactAmqpUrl(url)));
      }
      const pause = min + Math.random() * Math.min(max, min * 2 ** attempt);
      attempt += 1;
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection from its beginning to its end. @throws what ended it */
  async #stayConnected(url: string, onConnected: () => void): Promise<void> {
    const { connectionName, tls, subscriptions, runner } = this.#options;
    const socket = new AbortController();
    const giveUp = (): void => socket.abort();
    const { signal: stopping } = this.#stopping;
    stopping.addEventListener('abort', giveUp);
    const model = await connectBroker(url, { connectionName, tls, signal: socket.signal });
    // From here on the connection is closed in order.
    stopping.removeEventListener('abort', giveUp);
    const over = new AbortController();
    const ended = Promise.withResolvers<void>();
    ended.promise.catch(() => undefined);
    // `error` and `close` both fire: the first reason counts.
    model.on('error', ended.reject);
    model.on('close', (error) => ended.reject(error ?? new Error('closed by the broker')));
    const stop = (): void => ended.resolve();
    stopping.addEventListener('abort', stop);
    if (stopping.aborted) stop();
    this.#connected = true;
    onConnected();
    const openChannel = (): Promise<Channel> => model.createChannel();
    this.#options.onConnected?.(openChannel, over.signal);
    const listening = subscriptions.map((one) => runSubscription(openChannel, one, runner, over.signal));
    try {
      await ended.promise;
    } finally {
      this.#connected = false;
      stopping.removeEventListener('abort', stop);
      over.abort();
      await Promise.race([Promise.all(listening), delay(1000, undefined, { ref: false })]);
      await endConnection(model);
    }
  }
}
