import { connect, type ChannelModel } from 'amqplib';
import { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isRefusalWithoutWords } from './broker-error.ts';
import { refusalOfOpening } from './open-refusal.ts';

/** The contents of PEM files: the CA for the broker's certificate, and our own certificate. */
export interface BrokerTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** @param read reads a whole file @throws Error of `read` */
export function readTls(
  { ca, cert, key }: { readonly [File in keyof BrokerTls]?: string | undefined },
  read: (path: string) => Buffer,
): BrokerTls {
  return {
    ...(ca !== undefined && { ca: read(ca) }),
    ...(cert !== undefined && { cert: read(cert) }),
    ...(key !== undefined && { key: read(key) }),
  };
}

export interface ConnectOptions {
  /** The name in RabbitMQ's list of connections. */
  readonly connectionName: string;
  /** @default 15 s, unless the URL sets one */
  readonly heartbeatS?: number | undefined;
  /** @default 10000 */
  readonly connectTimeoutMs?: number | undefined;
  readonly tls?: BrokerTls | undefined;
  /** Destroys the socket, even while it is connecting. */
  readonly signal: AbortSignal;
}

/** How long to wait for the broker to confirm closing. */
const CLOSE_MS = 1000;

const CONNECT_TIMEOUT_MS = 10_000;

/** @param url of one broker, checked by `parseAmqpUrls` @throws errors that `explainBrokerError` explains */
export async function connectBroker(url: string, options: ConnectOptions): Promise<ChannelModel> {
  const { connectTimeoutMs: timeoutMs = CONNECT_TIMEOUT_MS, tls, signal } = options;
  const socketOptions = {
    timeout: timeoutMs,
    clientProperties: { connection_name: options.connectionName },
    // An option of net.connect, to which amqplib passes it; amqplib's type omits it.
    signal,
    ...tls,
  };
  try {
    return await connect(withHeartbeat(url, options.heartbeatS ?? 15), socketOptions);
  } catch (error) {
    if (!isRefusalWithoutWords(error)) throw error;
    const words = await refusalOfOpening(url, { timeoutMs, tls, signal });
    throw words === undefined ? error : new Error(words, { cause: error });
  }
}

function withHeartbeat(url: string, seconds: number): string {
  if (/[?&]heartbeat=/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}heartbeat=${seconds}`;
}

/**
 * Connects to the first broker that answers.
 *
 * @param urls one per broker
 * @throws the last broker's error, which `explainBrokerError` explains
 */
export async function connectToAny(
  urls: readonly string[],
  options: ConnectOptions,
): Promise<{ readonly model: ChannelModel; readonly url: string }> {
  let refusal: unknown;
  for (const url of urls) {
    try {
      return { model: await connectBroker(url, options), url };
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

/** Rejects with whatever ends the connection: `error` and `close` both fire, and the first reason counts. */
export function endOf<T = never>(model: ChannelModel): PromiseWithResolvers<T> {
  const ended = Promise.withResolvers<T>();
  model.on('error', ended.reject);
  model.on('close', (error) => ended.reject(error ?? new Error('closed by the broker')));
  ended.promise.catch(() => undefined);
  return ended;
}

/** Closes the connection. If the broker does not answer within a second, destroys its socket. */
export async function endConnection(model: ChannelModel): Promise<void> {
  const patience = new AbortController();
  const closed = model.close().then(
    () => true,
    () => false,
  );
  const tooLate = delay(CLOSE_MS, false, { signal: patience.signal }).catch(() => false);
  const clean = await Promise.race([closed, tooLate]);
  patience.abort();
  if (clean) return;
  const stream: unknown = Reflect.get(model.connection, 'stream');
  // With an error, because amqplib stops its heartbeat only then.
  if (stream instanceof Duplex) stream.destroy(new Error('the broker did not answer'));
}
