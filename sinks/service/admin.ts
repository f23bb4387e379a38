import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { SinkMetrics } from './metrics.ts';
import type { SinkReadiness } from './watched-sink.ts';

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: SinkMetrics;
  readonly readiness: () => Readonly<Record<string, SinkReadiness>>;
}

export interface AdminListener {
  /** `http://127.0.0.1:9464` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Listens for health checks and scrapes: `/healthz`, `/readyz` (503 with the reasons where a sink is not ready), `/metrics`.
 *
 * @throws Error of the system, e.g. EADDRINUSE
 */
export async function startAdmin({ host, port, metrics, readiness }: AdminOptions): Promise<AdminListener> {
  const routes: Readonly<Record<string, (response: ServerResponse) => void | Promise<void>>> = {
    '/healthz': (response) => json(response, 200, { status: 'ok' }),
    '/readyz': (response) => {
      const sinks = readiness();
      const ready = Object.values(sinks).every(({ ok }) => ok);
      json(response, ready ? 200 : 503, { status: ready ? 'ready' : 'degraded', sinks });
    },
    '/metrics': async (response) => {
      const text = await metrics.registry.metrics();
      response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text);
    },
  };
  const server = createServer((request, response) => {
    const route = routes[request.url?.split('?')[0] ?? ''];
    if (route === undefined) {
      json(response, 404, { error: `There are ${Object.keys(routes).join(', ')}` });
      return;
    }
    Promise.resolve(route(response)).catch((error: unknown) => json(response, 500, { error: String(error) }));
  });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
