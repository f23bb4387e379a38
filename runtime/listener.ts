import type { Server } from 'node:http';
import { serve } from '@hono/node-server';

type Fetch = (request: Request) => Response | Promise<Response>;

/** Nobody can be served at HOST and PORT. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'cannot_listen';
}

export interface HttpServer {
  readonly url: string;
  /** Requests in flight are answered; idle connections, and live streams after a while, are closed. */
  close(): Promise<void>;
}

const CLOSE_MS = 3000;
const CLOSE_IDLE_EVERY_MS = 20;
/** Longer than the idle time of proxies and SDKs in front, so that none of them writes to a connection just closed. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Listens at HOST and PORT.
 *
 * @throws ListenError that says what to set instead
 */
export async function listen(
  fetch: Fetch,
  { HOST, PORT }: { readonly HOST: string; readonly PORT: number },
): Promise<HttpServer> {
  const started = Promise.withResolvers<number>();
  const server = serve({ fetch, hostname: HOST, port: PORT }, (info) => started.resolve(info.port)) as Server;
  server.once('error', started.reject);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  let port: number;
  try {
    port = await started.promise;
  } catch (cause) {
    throw new ListenError(explain(cause, HOST, PORT), { cause });
  }
  return { url: `http://${HOST.includes(':') ? `[${HOST}]` : HOST}:${port}`, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  // A connection that answers a last request is idle, and kept alive, after that only.
  const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
  const impatience = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  await closed.promise;
  clearInterval(idle);
  clearTimeout(impatience);
}

const NO_ADDRESS = 'is no address of this machine: set HOST to one that is, or to 0.0.0.0 for all';

const EXPLANATIONS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `PORT ${port} of ${host} is in use by another program: stop that one, or set PORT to a free one`,
  EADDRNOTAVAIL: (host) => `HOST ${host} ${NO_ADDRESS}`,
  ENOTFOUND: (host) => `HOST ${host} ${NO_ADDRESS}`,
  EAI_AGAIN: (host) => `HOST ${host} ${NO_ADDRESS}`,
  EACCES: (_, port) => `This user may not listen on PORT ${port}: set PORT to one above 1023`,
};

function explain(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = error instanceof Error ? error.message : String(error);
  return EXPLANATIONS[code]?.(host, port) ?? `HOST ${host}, PORT ${port} cannot be listened on: ${reason}`;
}
