import { Hono } from 'hono';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { answerErrors } from '../answer-error.ts';
import { CollectorError } from '../errors.ts';
import { trustProxies } from '../keys/client-address.ts';
import type { ApiKey } from '../keys/store.ts';
import type { BrowserAnswer } from '../intake/browser-intake.ts';
import { browserRoutes, type BrowserDependencies } from './browser-routes.ts';

const SITE = 'https://clowder.example';
const view = { url: `${SITE}/explore`, referrer: `${SITE}/`, title: 'Explore', id: 'e1234567' };

const keyOf = (scopes: ApiKey['scopes']): ApiKey => ({
  id: 'k',
  name: 'k',
  scopes,
  ratePerS: 1000,
  createdAtMs: 0,
  revokedAtMs: undefined,
});

const KEYS: Readonly<Record<string, ApiKey | 'revoked'>> = {
  page: keyOf(['browser']),
  bound: { ...keyOf(['browser']), origins: ['https://other.example'] },
  script: keyOf(['ingest', 'read']),
  old: 'revoked',
};

function api({ keys = KEYS, verdict }: { keys?: typeof KEYS; verdict?: () => Promise<BrowserAnswer> } = {}) {
  const submitted: { said: unknown; poster: Parameters<BrowserDependencies['submit']>[1] }[] = [];
  const refused: string[] = [];
  const app = new Hono();
  answerErrors(app, pino({ level: 'silent' }));
  app.route(
    '/',
    browserRoutes({
      allowedOrigins: [SITE],
      clientAddress: trustProxies(['192.0.2.9']),
      keys: {
        list: () => Object.values(keys).map((key) => (key === 'revoked' ? keyOf(['browser']) : key)),
        isEmpty: () => Object.keys(keys).length === 0,
        verify: (presented) => keys[presented] ?? 'unknown',
      },
      submit: async (said, poster) => {
        submitted.push({ said, poster });
        return verdict === undefined ? { ok: true, id: 'e1' } : verdict();
      },
      onRefused: (reason) => refused.push(reason),
    }),
  );
  const post = (body: unknown, headers: Record<string, string> = {}, query = '', env = {}) =>
    app.request(
      `/api/v1/browser${query}`,
      {
        method: 'POST',
        headers: { origin: SITE, 'content-type': 'text/plain;charset=UTF-8', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      },
      env,
    );
  return { app, post, submitted, refused };
}

describe('POST /api/v1/browser', () => {
  test.each(['text/plain;charset=UTF-8', 'application/json'])('accepts a page view as %s', async (type) => {
    const { post, submitted } = api();
    const answer = await post({ ...view, key: 'page' }, { 'content-type': type });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({ id: 'e1' });
    expect(submitted.map(({ said }) => said)).toEqual([{ ...view, key: 'page' }]);
  });

  test('is also served beside the snippet, under a path that blockers do not know', async () => {
    const { app, submitted } = api();
    const answer = await app.request('/c/v', {
      method: 'POST',
      headers: { origin: SITE },
      body: JSON.stringify({ ...view, key: 'page' }),
    });
    expect(answer.status).toBe(202);
    expect(submitted).toHaveLength(1);
  });

  test('also accepts the key in the query', async () => {
    expect((await api().post(view, {}, '?key=page')).status).toBe(202);
  });

  const from = (remoteAddress: string) => ({
    server: { incoming: { socket: { remoteAddress, remotePort: 1, remoteFamily: 'IPv4' } } },
  });

  test('passes on origin, page, address and User-Agent of the request, not what the body claims', async () => {
    const { post, submitted } = api();
    const headers = { 'user-agent': 'Mozilla/5.0', 'x-forwarded-for': '198.51.100.1', referer: `${SITE}/explore` };
    await post({ ...view, key: 'page', client_address: '10.0.0.1' }, headers, '', from('203.0.113.4'));
    expect(submitted[0]?.poster).toMatchObject({
      origin: SITE,
      page: `${SITE}/explore`,
      clientAddress: '203.0.113.4',
      userAgent: 'Mozilla/5.0',
    });
  });

  test("takes the client's address from a trusted proxy", async () => {
    const { post, submitted } = api();
    await post({ ...view, key: 'page' }, { 'x-forwarded-for': '198.51.100.1' }, '', from('192.0.2.9'));
    expect(submitted[0]?.poster).toMatchObject({ clientAddress: '198.51.100.1' });
  });

  test('makes an id for each view that has none', async () => {
    const { post, submitted } = api();
    for (const _ of [1, 2]) await post({ ...view, key: 'page' });
    expect(new Set(submitted.map(({ poster }) => poster.newId)).size).toBe(2);
  });
});

describe('a page of another origin', () => {
  test.each([
    'https://attacker.example',
    'http://clowder.example',
    `${SITE}.attacker.example`,
    `${SITE}:8443`,
    'null',
    '',
  ])('may not post, whatever its key: %j', async (origin) => {
    const { post, submitted } = api();
    const answer = await post({ ...view, key: 'page' }, { origin });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'origin_not_allowed' });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(submitted).toEqual([]);
  });

  test('may not post if it sends no Origin', async () => {
    const { app, submitted } = api();
    const answer = await app.request('/api/v1/browser', {
      method: 'POST',
      body: JSON.stringify({ ...view, key: 'page' }),
    });
    expect(answer.status).toBe(403);
    expect(submitted).toEqual([]);
  });
});

describe('a key with origins of its own', () => {
  const from = (origin: string, key: string) => api().post({ ...view, key }, { origin });

  test('allows these origins to post, and no others, whatever ALLOWED_ORIGINS says', async () => {
    expect((await from('https://other.example', 'bound')).status).toBe(202);
    expect((await from(SITE, 'bound')).status).toBe(403);
    expect((await from('https://other.example', 'page')).status).toBe(403);
  });

  test('allows its pages to read the answer', async () => {
    const answer = await from('https://other.example', 'bound');
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://other.example');
  });

  test('is refused everywhere once it is revoked', async () => {
    const revoked = { ...keyOf(['browser']), revokedAtMs: 1, origins: ['https://other.example'] };
    const { post } = api({ keys: { bound: revoked } });
    expect((await post(view, { origin: 'https://other.example' })).status).toBe(403);
  });
});

describe('the count of refused posts', () => {
  test.each([
    ['origin_not_allowed', view, { origin: 'https://attacker.example' }],
    ['unauthorized', { ...view, key: 'guess' }, {}],
    ['forbidden', { ...view, key: 'script' }, {}],
    ['invalid_json', '{', {}],
    ['body_too_large', ' '.repeat(64 * 1024 + 1), {}],
  ])('has the reason: %s', async (reason, body, headers) => {
    const { post, refused } = api();
    await post(body, headers);
    expect(refused).toEqual([reason]);
  });

  test('includes invalid events', async () => {
    const { post, refused } = api({ verdict: async () => ({ ok: false, issues: [] }) });
    await post({ ...view, key: 'page' });
    expect(refused).toEqual(['invalid_event']);
  });

  test('does not include accepted posts', async () => {
    const { post, refused } = api();
    await post({ ...view, key: 'page' });
    expect(refused).toEqual([]);
  });
});

describe('CORS', () => {
  const preflight = (origin: string) =>
    api().app.request('/api/v1/browser', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });

  test('allows the configured origins to post JSON', async () => {
    const answer = await preflight(SITE);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(SITE);
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST');
    // sendBeacon sends credentials, so the preflight fails without this.
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    expect(answer.headers.get('access-control-allow-headers')).toBe('content-type');
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  test('allows other origins nothing', async () => {
    expect((await preflight('https://attacker.example')).headers.get('access-control-allow-origin')).toBeNull();
  });

  test('allows a page of an allowed origin to read the answer', async () => {
    expect((await api().post({ ...view, key: 'page' })).headers.get('access-control-allow-origin')).toBe(SITE);
  });
});

describe("the snippet's key", () => {
  test.each([
    ['missing', undefined, 401],
    ['unknown', 'guess', 401],
    ['revoked', 'old', 401],
    ['without the scope', 'script', 403],
  ])('is refused if it is %s', async (_, key, status) => {
    const { post, submitted } = api();
    expect((await post({ ...view, key })).status).toBe(status);
    expect(submitted).toEqual([]);
  });

  test('is checked before the body if it is in the query', async () => {
    const { post } = api();
    expect((await post(' '.repeat(64 * 1024 + 1), {}, '?key=guess')).status).toBe(401);
    expect((await post('{', {}, '?key=guess')).status).toBe(401);
  });

  test('has a rate limit', async () => {
    const { post, submitted } = api({ keys: { page: { ...keyOf(['browser']), ratePerS: 1 } } });
    expect((await post({ ...view, key: 'page' })).status).toBe(202);
    const refused = await post({ ...view, key: 'page' });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(submitted).toHaveLength(1);
  });

  test('is not needed before the first key is made', async () => {
    expect((await api({ keys: {} }).post(view)).status).toBe(202);
  });

  test.each([
    ['http://127.0.0.1:8000', 202],
    ['http://localhost:8000', 202],
    ['http://[::1]:8000', 202],
    ['https://attacker.example', 403],
    ['null', 403],
  ])('is not needed before that only for pages on this machine: %s', async (origin, status) => {
    expect((await api({ keys: {} }).post(view, { origin })).status).toBe(status);
  });
});

describe('a body that is not a page view', () => {
  test.each(['', '{', 'url=x'])('gets 400: %j', async (body) => {
    const answer = await api().post(body, {}, '?key=page');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_json' });
  });

  test('gets 422 with the reason if the taxonomy refuses it', async () => {
    const issues = [{ field: 'url', message: 'is too long' }];
    const answer = await api({ verdict: async () => ({ ok: false, issues }) }).post({ ...view, key: 'page' });
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ detail: 'url is too long' });
  });

  test('of more than 64 KiB gets 413', async () => {
    expect((await api().post(' '.repeat(64 * 1024 + 1))).status).toBe(413);
  });
});

test('a full journal is answered with 503 and Retry-After', async () => {
  const full = new CollectorError('journal_full', 'full', { retryAfterS: 1 });
  const answer = await api({ verdict: () => Promise.reject(full) }).post({ ...view, key: 'page' });
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(await answer.json()).toMatchObject({ code: 'journal_full' });
});

describe('bodies that stop half-way', () => {
  /** A body whose second half comes only after `end` is called. */
  function stalled(): { readonly body: ReadableStream<Uint8Array>; readonly end: () => void } {
    const text = JSON.stringify({ ...view, key: 'page' });
    let end: () => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(text.slice(0, 20)));
        end = () => {
          controller.enqueue(Buffer.from(text.slice(20)));
          controller.close();
        };
      },
    });
    return { body, end };
  }

  test('of one client take no place from others, and the client gets 429 beyond 64', async () => {
    const { app } = api();
    const send = async (client: string, body: ReadableStream<Uint8Array> | string) =>
      app.request(
        '/api/v1/browser',
        { method: 'POST', headers: { origin: SITE }, body, duplex: 'half' },
        { incoming: { socket: { remoteAddress: client } } },
      );
    const open = Array.from({ length: 64 }, stalled);
    const answers = open.map(({ body }) => send('192.0.2.1', body));
    const whole = JSON.stringify({ ...view, key: 'page' });
    const refused = await send('192.0.2.1', whole);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await send('192.0.2.2', whole)).status).toBe(202);
    for (const { end } of open) end();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(open.map(() => 202));
    expect((await send('192.0.2.1', whole)).status).toBe(202);
  });
});
