import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen, type HttpServer } from './listener.ts';
import type { ListenAddress } from './listen-error.ts';

/** What a program reports about itself. */
export interface AdminPages {
  /** An answer is enough to be alive; the body may add details. @default nothing */
  readonly health?: () => object;
  /** Whether the program does its work; `body` says why not. */
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** Figures for Prometheus, as a registry of prom-client gives them. */
  readonly registry: { readonly contentType: string; metrics(): Promise<string> };
}

export interface Readiness {
  readonly ready: boolean;
  readonly body: object;
}

const METHODS = 'GET, HEAD';

/**
 * Listens for health checks and scrapes: `/healthz`, `/readyz` (503 if the program is not ready) and `/metrics`.
 *
 * @throws ListenError that says what to set instead
 */
export function startAdmin(address: ListenAddress, pages: AdminPages): Promise<HttpServer> {
  const answer = createAdmin(pages);
  const respond = async ({ method = 'GET', url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answered = await answer(method, url.split('?')[0] ?? '');
    response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(await answered.text());
  };
  const server = createServer((request, response) => void respond(request, response));
  return listen(server, address);
}

/** What answers; without a server. */
export function createAdmin({
  health,
  readiness,
  registry,
}: AdminPages): (method: string, path: string) => Promise<Response> {
  const routes: Readonly<Record<string, () => Promise<Response>>> = {
    '/healthz': async () => Response.json({ status: 'ok', ...health?.() }),
    '/readyz': async () => {
      const { ready, body } = await readiness();
      return Response.json(body, { status: ready ? 200 : 503 });
    },
    '/metrics': async () =>
      new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } }),
  };
  const names = Object.keys(routes).join(', ');
  return async function answer(method, pathname) {
    const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
    if (route === undefined)
      return Response.json({ error: `There is no ${pathname}: there are ${names}` }, { status: 404 });
    if (method !== 'GET' && method !== 'HEAD')
      return Response.json(
        { error: `${method} is not for ${pathname}: use ${METHODS}` },
        { status: 405, headers: { allow: METHODS } },
      );
    const answered = await route().catch((error: unknown) =>
      Response.json({ error: `${pathname} cannot be read: ${String(error)}` }, { status: 500 }),
    );
    return method === 'HEAD' ? new Response(null, answered) : answered;
  };
}
