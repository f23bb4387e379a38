import { once } from 'node:events';
import type { Server } from 'node:http';
import { listenError, urlOf, type ListenAddress } from './listen-error.ts';

export interface HttpServer {
  readonly url: string;
  /** Answers requests in flight; closes idle connections at once, and live streams after a while. */
  close(): Promise<void>;
}

const CLOSE_MS = 3000;
const CLOSE_IDLE_EVERY_MS = 20;
/**
 * Longer than the idle time-out of proxies and SDKs in front, so that none of them writes to a connection that was just
 * closed.
 */
const KEEP_ALIVE_MS = 75_000;

/**
 * Listens at an address.
 *
 * @throws ListenError that says what to set instead
 */
export async function listen(server: Server, address: ListenAddress): Promise<HttpServer> {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(address.port, address.host);
  await once(server, 'listening').catch((cause: unknown) => {
    throw listenError(cause, address);
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  return { url: urlOf('http', address.host, port), close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  // A connection counts as idle only after it has answered its last request, and is then kept alive.
  const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
  const impatience = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await closed.promise;
  clearInterval(idle);
  clearTimeout(impatience);
}
