import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { empty, html, json, redirect, text, typed, type Answer, type AnswerMaker, type RouteLine } from './answer.ts';
import { readBody, type Asked } from './asked.ts';
import { send, type SendOptions } from './send.ts';
import { Store } from './store.ts';
import { notFound as notFoundV1, V1_ROUTES } from './v1/routes.ts';
import { notFound as notFoundV2, V2_ROUTES } from './v2/routes.ts';

export type StandInVersion = 'v1' | 'v2';

export interface StandInOptions {
  readonly version: StandInVersion;
  /** Path before every route, e.g. '/clowder'. @default '' */
  readonly contextPath?: string;
}

interface Version extends SendOptions {
  readonly routes: readonly RouteLine[];
  readonly notFound: AnswerMaker;
  /** An answer that precedes all routes; undefined: the route answers. */
  readonly before: (asked: Asked) => Answer | undefined;
  /** Changes every answer of a route. */
  readonly after: (answer: Answer, asked: Asked) => Answer;
}

const CORS = { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS' };

const VERSIONS: Readonly<Record<StandInVersion, Version>> = {
  v1: {
    routes: V1_ROUTES,
    notFound: notFoundV1,
    gzip: true,
    before: ({ method, site, url }) => {
      if (method === 'OPTIONS') return { ...text(''), headers: CORS };
      if (method === 'HEAD') return empty(404);
      const path = url.split('?', 1)[0] ?? '';
      // Play redirects every GET with a trailing slash to the path without it, and drops the query.
      const isTrailing =
        method === 'GET' && path !== '/' && path.endsWith('/') && !/^\/api\/proxy\/[^/]+\/$/.test(path);
      return isTrailing ? redirect(`${site}${path.slice(0, -1)}`, 301) : undefined;
    },
    after: wrapInCallback,
  },
  v2: {
    routes: V2_ROUTES,
    notFound: notFoundV2,
    gzip: false,
    before: ({ method, url }) => {
      if (method === 'OPTIONS') return { ...text('OK'), headers: CORS };
      if (method !== 'HEAD') return undefined;
      // FastAPI does not add HEAD to its GETs; the frontend's web server does.
      if (!url.startsWith('/api/')) return html('');
      return { ...json({ detail: 'Method Not Allowed' }, 405), headers: { allow: 'GET' } };
    },
    after: (answer) => answer,
  },
};

/** JSONP: any JSON of v1 becomes a script if the query asks for it. */
function wrapInCallback(answer: Answer, asked: Asked): Answer {
  const callback = asked.query.get('callback');
  const { content, headers, status } = answer;
  if (callback === null || content.kind !== 'text' || !/json/.test(String(headers['content-type']))) return answer;
  return { ...typed('text/javascript; charset=utf-8', `${callback}(${content.text});`), status };
}

/**
 * Stands in for a real Clowder in tests: it answers with the same shapes, statuses, headers and quirks, and keeps in memory
 * only what was created and deleted.
 */
export function createStandIn({ version: name, contextPath = '' }: StandInOptions): Express {
  const version = VERSIONS[name];
  const store = new Store();
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', false);
  const routes = express.Router({ strict: true, caseSensitive: true });
  const answer =
    (maker: AnswerMaker) =>
    async (request: Request, response: Response): Promise<void> => {
      const asked = await ask(request, contextPath);
      const early = failing(asked) ?? version.before(asked);
      await send(early ?? version.after(maker(asked, store), asked), request, response, version);
    };
  const withoutRoute = answer(version.notFound);
  for (const [method, path, maker] of version.routes) routes[methodOf(method)](path, answer(maker));
  routes.use(withoutRoute);
  app.use((request, response, next) =>
    request.method === 'HEAD' || request.method === 'OPTIONS' ? withoutRoute(request, response) : next(),
  );
  app.use(contextPath === '' ? '/' : contextPath, routes);
  app.use((_error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) next();
    else response.status(400).type('text/plain').send('bad request');
  });
  return app;
}

/** A failure that the client asks for by this header, on any route. */
function failing(asked: Asked): Answer | undefined {
  const status = Number(asked.header('x-stand-in-status') ?? Number.NaN);
  return Number.isNaN(status) ? undefined : text('failing as asked', status);
}

const METHODS = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

function methodOf(name: string): (typeof METHODS)[keyof typeof METHODS] {
  if (!Object.hasOwn(METHODS, name)) throw new Error(`no route can be for ${name}`);
  return METHODS[name as keyof typeof METHODS];
}

async function ask(request: Request, contextPath: string): Promise<Asked> {
  const url = request.originalUrl.slice(contextPath.length);
  const mark = url.indexOf('?');
  return {
    method: request.method,
    url,
    params: request.params as Record<string, string>,
    query: new URLSearchParams(mark === -1 ? '' : url.slice(mark)),
    header: (name) => request.get(name),
    site: `http://${request.get('host') ?? ''}${contextPath}`,
    body: await readBody(request),
  };
}
