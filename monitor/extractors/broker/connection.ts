import type { Channel } from 'amqplib';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerError } from '../../../runtime/amqp/broker-error.ts';
import { connectBroker, endConnection, endOf, type BrokerTls } from '../../../runtime/amqp/connection.ts';
import { keepConnected, type Turn } from '../../../runtime/amqp/keep-connected.ts';
import { runSubscription, type Subscription, type SubscriptionRunner } from './subscription.ts';

export interface BrokerOptions {
  /** URLs from `parseAmqpUrls`, tried in turn. */
  readonly urls: readonly string[];
  readonly tls?: BrokerTls | undefined;
  readonly connectionName: string;
  readonly subscriptions: readonly Subscription[];
  readonly runner: SubscriptionRunner;
  readonly onConnected?: (openChannel: () => Promise<Channel>, signal: AbortSignal) => void;
  /** The connection was refused or lost. */
  readonly onLost: (error: BrokerError) => void;
  /** Bounds of the pause before the next attempt. @default 200 to 10000 ms */
  readonly reconnectMs?: { readonly min: number; readonly max: number };
}

/** Keeps a connection and all its subscriptions alive until `stop`. */
export class BrokerConnection {
  readonly #options: BrokerOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #connected = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    const { urls, reconnectMs = { min: 200, max: 10_000 }, onLost } = options;
    const { signal } = this.#stopping;
    this.#running = keepConnected({
      urls,
      reconnectMs,
      signal,
      stay: (turn) => this.#stayConnected(turn),
      onLost: (error) => {
        if (!signal.aborted) onLost(error);
      },
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Ends subscriptions and connection within about two seconds. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** One connection from opening to closing. @throws the error that ended it */
  async #stayConnected({ url, connected }: Turn): Promise<void> {
    const { connectionName, tls, subscriptions, runner } = this.#options;
    const socket = new AbortController();
    const giveUp = (): void => socket.abort();
    const { signal: stopping } = this.#stopping;
    stopping.addEventListener('abort', giveUp);
    const model = await connectBroker(url, { connectionName, tls, signal: socket.signal });
    // From here on, the connection is closed properly.
    stopping.removeEventListener('abort', giveUp);
    const over = new AbortController();
    const ended = endOf<void>(model);
    const stop = (): void => ended.resolve();
    stopping.addEventListener('abort', stop);
    if (stopping.aborted) stop();
    this.#connected = true;
    connected();
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
