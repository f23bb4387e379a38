import { Hono, type MiddlewareHandler } from 'hono';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { createApp, type AppParts } from './app.ts';
import { CollectorMetrics } from './self-telemetry/metrics.ts';
import { requireKey } from './keys/auth.ts';
import type { Readiness } from './readiness.ts';
import { ROUTES } from './routes.ts';

const check = { ok: true };
const READY: Readiness = {
  status: 'ready',
  checks: {
    journal: check,
    history: check,
    broker: check,
    backlog: check,
    unroutable: check,
    nacked: check,
    unpublishable: check,
  },
};

function app(parts: Partial<AppParts> = {}) {
  const logged: string[] = [];
  const guard =
    (name: string): MiddlewareHandler =>
    async (c) =>
      c.text(`guarded: ${name}`, 401);
  const routes = (...paths: string[]): Hono => {
    const hono = new Hono();
    for (const path of paths) hono.all(path, (c) => c.text('open'));
    return hono;
  };
  const created = createApp({
    otlp: routes('/v1/*'),
    events: routes('/api/v1/events', '/api/v1/events/*'),
    rejected: routes('/api/v1/rejected', '/api/v1/rejected/replay', '/api/v1/rejected/discard'),
    held: routes('/api/v1/held/retry'),
    deadLetters: routes('/api/v1/dead', '/api/v1/dead/*'),
    stats: routes('/api/v1/stats'),
    counter: routes('/r51/status', '/r51/members', '/r51/reports', '/r51/reports/*'),
    shared: routes('/api/v1/shared/stats'),
    badge: routes('/api/v1/badge/d1'),
    overview: routes('/api/v1/overview'),
    session: routes('/api/v1/session'),
    browser: routes('/api/v1/browser'),
    snippet: routes('/c/v.js'),
    docs: routes('/docs', '/openapi.json'),
    dashboard: routes('/'),
    guards: {
      otlp: guard('otlp'),
      ingest: guard('ingest'),
      read: guard('read'),
      counter: guard('counter'),
      admin: guard('admin'),
    },
    metrics: new CollectorMetrics(),
    readiness: () => READY,
    log: pino({}, { write: (line: string) => logged.push(line) }),
    traced: false,
    ...parts,
  });
  const request = (path: string, method = 'GET', headers = {}) => created.request(path, { method, headers });
  return { request, logged };
}

describe('the key that a route needs', () => {
  test.each([
    ['POST', '/v1/traces', 'guarded: otlp'],
    ['GET', '/v1/logs', 'guarded: otlp'],
    ['PUT', '/v1/anything/at/all', 'guarded: otlp'],
    ['POST', '/api/v1/events', 'guarded: ingest'],
    ['POST', '/api/v1/events/file.uploaded', 'guarded: ingest'],
    ['GET', '/api/v1/events', 'guarded: read'],
    ['HEAD', '/api/v1/events', ''],
    ['GET', '/api/v1/events/stream', 'guarded: read'],
    ['GET', '/api/v1/events/', 'guarded: read'],
    ['GET', '/api/v1/rejected', 'guarded: read'],
    ['POST', '/api/v1/rejected/replay', 'guarded: admin'],
    ['POST', '/api/v1/rejected/discard', 'guarded: admin'],
    ['POST', '/api/v1/held/retry', 'guarded: admin'],
    ['GET', '/api/v1/stats', 'guarded: read'],
    ['GET', '/api/v1/overview', 'guarded: read'],
    ['GET', '/api/v1/held', 'guarded: read'],
  ])('%s %s refuses a request without one', async (method, path, body) => {
    const answer = await app().request(path, method);
    expect([answer.status, await answer.text()]).toEqual([401, body]);
  });

  test.each([
    ['POST', '/api/v1/browser'],
    ['GET', '/api/v1/session'],
    ['POST', '/api/v1/session'],
    ['GET', '/docs'],
    ['GET', '/openapi.json'],
    ['GET', '/'],
    ['GET', '/healthz'],
    ['GET', '/readyz'],
    ['GET', '/metrics'],
    ['GET', '/api/v1/shared/stats'],
    ['GET', '/api/v1/badge/d1'],
  ])('%s %s needs none, or has a key of its own kind', async (method, path) => {
    expect((await app().request(path, method)).status).toBe(200);
  });
});

describe('a key', () => {
  const ASKED = ROUTES.map(({ method, path, scope }) => ({
    scope,
    method: method.toUpperCase(),
    path: path.replace(':type', 'file.uploaded').replace(':file', 'file.uploaded.json'),
  }));

  test.each(ASKED)('is checked once for $method $path, by the guard of its scope ($scope)', async (route) => {
    const checked: string[] = [];
    const counting =
      (name: string): MiddlewareHandler =>
      (_, next) => {
        checked.push(name);
        return next();
      };
    const guards = {
      otlp: counting('otlp'),
      ingest: counting('ingest'),
      read: counting('read'),
      counter: counting('counter'),
      admin: counting('admin'),
    };
    await app({ guards }).request(route.path, route.method);
    const isGuarded = route.scope !== 'public' && route.scope !== 'browser';
    expect(checked).toEqual(isGuarded ? [route.path.startsWith('/v1/') ? 'otlp' : route.scope] : []);
  });

  test('with a rate of one request a second passes once a second, for the history too', async () => {
    const key = { id: 'k', name: 'k', scopes: ['read' as const], ratePerS: 1, createdAtMs: 0, revokedAtMs: undefined };
    const guard = requireKey('read', { keys: { isEmpty: () => false, verify: () => key } });
    const { request } = app({ guards: { otlp: guard, ingest: guard, read: guard, counter: guard, admin: guard } });
    const ask = (): Promise<Response> => Promise.resolve(request('/api/v1/events', 'GET', { 'x-api-key': 'secret' }));
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(429);
  });
});

describe('a method that a route does not support', () => {
  const events = new Hono().get('/api/v1/events', (c) => c.text('list')).post('/api/v1/events', (c) => c.text('taken'));

  test.each([
    ['PUT', '/api/v1/events', 'GET, HEAD, POST'],
    ['DELETE', '/api/v1/events', 'GET, HEAD, POST'],
    ['POST', '/readyz', 'GET, HEAD'],
  ])('%s %s gets 405 with the supported methods, and is counted', async (method, path, allow) => {
    const metrics = new CollectorMetrics();
    const answer = await app({ events, metrics }).request(path, method);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ code: 'method_not_allowed', status: 405 });
    expect(await metrics.registry.metrics()).toContain('status="405"');
  });

  test('gets 404 if the route does not exist', async () => {
    const answer = await app({ events }).request('/api/v1/nothing', 'PUT');
    expect([answer.status, answer.headers.get('allow')]).toEqual([404, null]);
  });
});

describe('GET /readyz', () => {
  test.each([
    ['ready', 200],
    ['degraded', 200],
    ['unavailable', 503],
  ] as const)('%s is %i', async (status, code) => {
    const answer = await app({ readiness: () => ({ ...READY, status }) }).request('/readyz');
    expect(answer.status).toBe(code);
    expect(await answer.json()).toMatchObject({ status });
  });
});

test("GET /metrics has Prometheus' text format, and counts the requests before it", async () => {
  const { request } = app();
  await request('/healthz');
  const answer = await request('/metrics');
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=/);
  expect(await answer.text()).toContain('clowder_otel_http_requests_total{route="/healthz",status="200"} 1');
});

test('an unknown path gets a problem that says where to look', async () => {
  const answer = await app().request('/nowhere');
  expect(answer.status).toBe(404);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(await answer.json()).toMatchObject({ code: 'not_found', detail: expect.stringContaining('/docs') as string });
});

test('an error is logged, and its text does not reach the client', async () => {
  const broken = new Hono();
  broken.get('/', () => {
    throw new Error('password is s3cret');
  });
  const { request, logged } = app({ dashboard: broken });
  const answer = await request('/');
  expect(answer.status).toBe(500);
  const body = await answer.text();
  expect(JSON.parse(body)).toMatchObject({ code: 'internal_error', status: 500 });
  expect(body).not.toContain('s3cret');
  expect(logged.join('')).toContain('password is s3cret');
});
