import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';

export interface AdminOptions {
  readonly registry: Registry;
  /** Why Clowder cannot be reached; undefined where it can. */
  readonly probe: () => Promise<string | undefined>;
  readonly draining: () => boolean;
}

/** `/healthz`, `/readyz` and `/metrics`, on a listener of their own: every path of the proxy itself is Clowder's. */
export function createAdminServer({ registry, probe, draining }: AdminOptions): Server {
  const routes: Readonly<Record<string, (response: ServerResponse) => Promise<void> | void>> = {
    '/healthz': (response) => sendJson(response, 200, { status: 'ok' }),
    '/readyz': async (response) => {
      if (draining()) {
        sendJson(response, 503, { status: 'stopping' });
        return;
      }
      const reason = await probe();
      const clowder = { ok: reason === undefined, ...(reason !== undefined && { reason }) };
      sendJson(response, clowder.ok ? 200 : 503, { status: clowder.ok ? 'ready' : 'unavailable', checks: { clowder } });
    },
    '/metrics': async (response) => {
      const text = await registry.metrics();
      response.writeHead(200, { 'Content-Type': registry.contentType }).end(text);
    },
  };
  return createServer((request, response) => {
    const route = routes[(request.url ?? '').split('?')[0] ?? ''];
    if (route === undefined) {
      sendJson(response, 404, { error: `There is ${Object.keys(routes).join(', ')}` });
      return;
    }
    Promise.resolve(route(response)).catch(() => {
      if (!response.headersSent) sendJson(response, 500, { error: 'The figures cannot be read' });
    });
  });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
