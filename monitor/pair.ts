import type { ChannelModel } from 'amqplib';
import { connectBroker, endConnection, endOf, type BrokerTls } from '../runtime/amqp/connection.ts';
import { keepConnected, type Turn } from '../runtime/amqp/keep-connected.ts';
import type { Logger } from '../runtime/logging.ts';

export interface PairOptions {
  /** URLs from `parseAmqpUrls`. */
  readonly urls: readonly string[];
  readonly tls?: BrokerTls | undefined;
  readonly log: Logger;
  /** Called once, when this monitor becomes active. */
  readonly onTurn: () => void;
  /** Called once, if this monitor worked without the broker and another one is active now. */
  readonly onOther: () => void;
  /** After a reconnection, how long it may take to learn that this monitor is still active. @default 5000 */
  readonly graceMs?: number;
}

/** Decides which of several monitors with the same broker is active; the others wait until it ends. */
export interface Pair {
  stop(): Promise<void>;
}

const QUEUE = 'clowder-otel.monitor-turn';
/**
 * RabbitMQ serves one consumer, and the next once that one is gone. The single message in the queue shows which one is served.
 */
const ARGUMENTS = { 'x-queue-type': 'quorum', 'x-single-active-consumer': true, 'x-max-length': 1 };
const TOKEN = Buffer.from('{}');
/** RabbitMQ closes the channel of a consumer that keeps a message too long, so the message is renewed. */
const RENEW_MS = 60_000;
const GRACE_MS = 5000;

/**
 * Waits for its turn. An active monitor stays active while the broker is down: no other can take over, and one must report that
 * the broker is down.
 */
export function waitForTurn({ urls, tls, log, onTurn, onOther, graceMs = GRACE_MS }: PairOptions): Pair {
  const stopping = new AbortController();
  let isWorking = false;

  const stay = async ({ url, connected }: Turn): Promise<void> => {
    const socket = new AbortController();
    const giveUp = (): void => socket.abort();
    stopping.signal.addEventListener('abort', giveUp);
    const options = { connectionName: 'clowder-otel monitor, turn', tls, signal: socket.signal };
    const model = await connectBroker(url, options);
    stopping.signal.removeEventListener('abort', giveUp);
    const timers = new Set<NodeJS.Timeout>();
    try {
      const ended = endOf(model);
      const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
      await Promise.race([listen(model, timers), ended.promise]);
      connected();
      await Promise.race([ended.promise, stopped]);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      await endConnection(model);
    }
  };

  const listen = async (model: ChannelModel, timers: Set<NodeJS.Timeout>): Promise<void> => {
    const channel = await model.createConfirmChannel();
    await channel.prefetch(1);
    await channel.assertQueue(QUEUE, { durable: true, arguments: ARGUMENTS });
    if (isWorking) timers.add(setTimeout(onOther, graceMs));
    await channel.consume(QUEUE, (message) => {
      if (message === null) return;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      const renew = (): void => {
        channel.sendToQueue(QUEUE, TOKEN, { persistent: true });
        channel.ack(message);
      };
      timers.add(setTimeout(renew, RENEW_MS));
      if (isWorking) return;
      isWorking = true;
      log.info('this monitor is active now');
      onTurn();
    });
    channel.sendToQueue(QUEUE, TOKEN, { persistent: true });
    await channel.waitForConfirms();
    if (!isWorking) log.info('another monitor is active; this one stands by');
  };

  const running = keepConnected({
    urls,
    reconnectMs: { min: 200, max: 10_000 },
    signal: stopping.signal,
    stay,
    onLost: (error) => {
      if (!stopping.signal.aborted)
        log.warn({ reason: error.message }, 'the broker does not say which monitor is active');
    },
  });
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
