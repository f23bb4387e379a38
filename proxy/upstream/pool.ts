import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { UpstreamError } from './errors.ts';
import { UpstreamConnection, type ConnectionOwner, type Phase } from './connection.ts';
import type { Upstream, UpstreamOptions, Waiter } from './upstream.ts';

interface Waiting {
  readonly fresh: boolean;
  looks: number;
}

const LOOKS_PER_TIMEOUT = 5;
const LOOK_MS = { least: 10, most: 1000 };
/** Clowder may close a connection slightly before the time it announces. */
const KEEP_ALIVE_MARGIN_MS = 1000;
const PROBE_TIMEOUT_MS = 2000;

/** Keeps connections to Clowder for further requests; the most recently used is taken first. */
export class UpstreamPool implements Upstream, ConnectionOwner {
  readonly #options: UpstreamOptions;
  readonly #all = new Set<UpstreamConnection>();
  readonly #idle: UpstreamConnection[] = [];
  readonly #lookMs: number;
  readonly #looking: NodeJS.Timeout;
  /** Requests without a connection, in order of arrival. */
  readonly #waiting = new Map<Waiter, Waiting>();
  #session: Buffer | undefined;
  #closing = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    const { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, keepAliveMs } = options;
    const limits = [connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, keepAliveMs].filter((limit) => limit > 0);
    const shortest = Math.min(...limits) / LOOKS_PER_TIMEOUT;
    this.#lookMs = Math.max(LOOK_MS.least, Math.min(LOOK_MS.most, shortest));
    // One timer for all: one per request and phase would cost more than everything else here.
    this.#looking = setInterval(() => this.#look(), this.#lookMs).unref();
  }

  get size(): number {
    return this.#all.size;
  }

  acquire(waiter: Waiter, fresh: boolean): void {
    const connection = this.#waiting.size === 0 ? this.#take(fresh) : undefined;
    if (connection === undefined) this.#waiting.set(waiter, { fresh, looks: 0 });
    else waiter.connected(connection);
  }

  cancel(waiter: Waiter): void {
    this.#waiting.delete(waiter);
  }

  async probe(): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const socket = this.#connect();
    socket.once(this.#options.tls === undefined ? 'connect' : 'secureConnect', () => resolve(undefined));
    socket.on('error', (error) => resolve(error.message));
    const timer = setTimeout(() => resolve(`no connection within ${PROBE_TIMEOUT_MS} ms`), PROBE_TIMEOUT_MS);
    const reason = await promise;
    clearTimeout(timer);
    socket.destroy();
    return reason;
  }

  close(): void {
    this.#closing = true;
    clearInterval(this.#looking);
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  released(connection: UpstreamConnection): void {
    if (this.#closing) {
      connection.destroy();
      return;
    }
    this.#idle.push(connection);
    this.#serve();
  }

  closed(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    if (connection.phase === 'idle') {
      const at = this.#idle.indexOf(connection);
      if (at !== -1) this.#idle.splice(at, 1);
    }
    this.#serve();
  }

  excess(): void {
    this.#options.onExcess();
  }

  #serve(): void {
    for (const [waiter, { fresh }] of this.#waiting) {
      const connection = this.#take(fresh);
      if (connection === undefined) return;
      this.#waiting.delete(waiter);
      waiter.connected(connection);
    }
  }

  /** @returns undefined if the limit is reached and all connections are in use */
  #take(fresh: boolean): UpstreamConnection | undefined {
    const idle = fresh ? undefined : this.#idle.pop();
    if (idle !== undefined) return idle;
    const { maxConnections } = this.#options;
    if (maxConnections === 0 || this.#all.size < maxConnections) return this.#open();
    const oldest = this.#idle.shift();
    if (oldest === undefined) return undefined;
    this.#all.delete(oldest);
    oldest.destroy();
    return this.#open();
  }

  #open(): UpstreamConnection {
    const { maxHeadBytes, tls } = this.#options;
    const connection = new UpstreamConnection(this.#connect(), this, { maxHeadBytes, secure: tls !== undefined });
    this.#all.add(connection);
    return connection;
  }

  #connect(): Socket {
    const { host, port, tls } = this.#options;
    const tcp = { host, port, noDelay: true, keepAlive: true, allowHalfOpen: true };
    if (tls === undefined) return connectTcp(tcp);
    const socket = connectTls({
      ...tcp,
      ...tls,
      // The server name for the certificate; an address must not be sent as one (RFC 6066, section 3).
      ...(!/^[\d.]+$|:/.test(host) && { servername: host }),
      ALPNProtocols: ['http/1.1'],
      ...(this.#session !== undefined && { session: this.#session }),
    });
    socket.on('session', (session) => {
      this.#session = session;
    });
    return socket;
  }

  #look(): void {
    for (const connection of this.#all) {
      connection.quietFor += 1;
      const limitMs = this.#limitOf(connection);
      // The first check may come at once.
      if (limitMs > 0 && (connection.quietFor - 1) * this.#lookMs >= limitMs) this.#expire(connection);
    }
    const { firstByteTimeoutMs } = this.#options;
    for (const [waiter, waiting] of this.#waiting) {
      waiting.looks += 1;
      if (firstByteTimeoutMs === 0 || (waiting.looks - 1) * this.#lookMs < firstByteTimeoutMs) continue;
      this.#waiting.delete(waiter);
      waiter.failed(new UpstreamError('busy', 'every connection to Clowder is in use'), false);
    }
  }

  #limitOf(connection: UpstreamConnection): number {
    const { connectTimeoutMs, firstByteTimeoutMs, idleTimeoutMs, keepAliveMs } = this.#options;
    switch (connection.phase) {
      case 'connecting':
        return connectTimeoutMs;
      case 'waiting':
        return firstByteTimeoutMs;
      case 'sending':
      case 'answering':
        return idleTimeoutMs;
      case 'idle': {
        const { keepAliveS } = connection;
        if (keepAliveS === undefined) return keepAliveMs;
        return Math.max(1, Math.min(keepAliveMs, keepAliveS * 1000 - KEEP_ALIVE_MARGIN_MS));
      }
      case 'unlimited':
        return 0;
    }
  }

  #expire(connection: UpstreamConnection): void {
    const { phase } = connection;
    connection.destroy(phase === 'idle' ? undefined : TIMED_OUT[phase](connection));
  }
}

const TIMED_OUT: Readonly<Record<Exclude<Phase, 'idle'>, (connection: UpstreamConnection) => UpstreamError>> = {
  connecting: () => new UpstreamError('connect_timeout', 'no connection in time'),
  waiting: () => new UpstreamError('first_byte_timeout', 'no answer in time'),
  sending: stalled,
  answering: stalled,
  unlimited: stalled,
};

function stalled({ stalledBy }: UpstreamConnection): UpstreamError {
  return stalledBy === 'client'
    ? new UpstreamError('client_timeout', 'the client has stopped')
    : new UpstreamError('idle_timeout', 'it has stopped in the middle');
}
