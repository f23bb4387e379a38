import { Hono } from 'hono';
import { describe, expect, test, vi } from 'vitest';
import { problem } from '../api/problem.ts';
import { CollectorError } from '../errors.ts';
import { isLoopbackHost, requireKey, type Refusal } from './auth.ts';
import type { ApiKey, KeyCheck, Scope } from './store.ts';

const keyOf = (id: string, scopes: readonly Scope[], more: Partial<ApiKey> = {}): ApiKey => ({
  id,
  name: id,
  scopes,
  ratePerS: 1000,
  createdAtMs: 0,
  revokedAtMs: undefined,
  ...more,
});

const KEYS: Readonly<Record<string, ApiKey>> = {
  writer: keyOf('writer', ['ingest']),
  reader: keyOf('reader', ['read']),
  both: keyOf('both', ['ingest', 'read']),
  slow: keyOf('slow', ['ingest'], { ratePerS: 2 }),
  slower: keyOf('slower', ['ingest'], { ratePerS: 1 }),
  old: keyOf('old', ['ingest'], { revokedAtMs: 1 }),
};

function storeOf(keys: Readonly<Record<string, ApiKey>>): KeyCheck {
  return {
    isEmpty: () => Object.keys(keys).length === 0,
    verify: (presented) => {
      const key = keys[presented];
      if (key === undefined) return 'unknown';
      return key.revokedAtMs === undefined ? key : 'revoked';
    },
  };
}

/** An app that answers what its guards throw. */
function answering(): Hono<{ Variables: { keyId?: string } }> {
  const app = new Hono<{ Variables: { keyId?: string } }>();
  app.onError((error, c) => (error instanceof CollectorError ? problem(c, error) : c.text(error.message, 500)));
  return app;
}

function guarded(keys: Readonly<Record<string, ApiKey>> = KEYS, scope: Scope = 'ingest') {
  const app = answering();
  const reached = vi.fn();
  const refused: Refusal[] = [];
  app.use(requireKey(scope, { keys: storeOf(keys), onRefused: (reason) => refused.push(reason) }));
  app.get('/', (c) => {
    reached();
    return c.json({ keyId: c.get('keyId') ?? null });
  });
  const get = (headers: Record<string, string> = {}, address?: string) =>
    app.request('/', { headers }, address === undefined ? {} : peer(address));
  return { get, reached, refused };
}

/** What @hono/node-server says about the connection. */
const peer = (remoteAddress: string) => ({
  incoming: { socket: { remoteAddress, remotePort: 40_000, remoteFamily: '' } },
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe('a key', () => {
  test.each([
    ['Authorization: Bearer', bearer('writer')],
    ['a scheme in lower case', { authorization: 'bearer writer' }],
    ['X-API-Key', { 'x-api-key': 'writer' }],
    ['X-API-Key beside an Authorization of another scheme', { authorization: 'Basic eDp5', 'x-api-key': 'writer' }],
  ])('is accepted from %s, and the route learns which key it was', async (_, headers) => {
    const answer = await guarded().get(headers);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ keyId: 'writer' });
  });

  test('is accepted from any address and under any Host', async () => {
    const { get } = guarded();
    expect((await get({ ...bearer('writer'), host: 'events.example.org' }, '192.0.2.7')).status).toBe(200);
  });
});

describe('a refused client', () => {
  test('without a key gets 401, and learns how to send one', async () => {
    const { get, reached } = guarded();
    const answer = await get();
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({
      status: 401,
      code: 'unauthorized',
      detail: expect.stringMatching(/X-API-Key.*clowder-otel keys add/),
    });
    expect(reached).not.toHaveBeenCalled();
  });

  test.each([
    ['an unknown', 'nobody', /unknown/],
    ['a revoked', 'old', /revoked/],
  ])('with %s key gets 401, which says so', async (_, key, reason) => {
    const { get, reached } = guarded();
    const answer = await get(bearer(key));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(reason) });
    expect(reached).not.toHaveBeenCalled();
  });

  test('with a key of another scope gets 403, which names both scopes', async () => {
    const { get, reached } = guarded();
    const answer = await get(bearer('reader'));
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'forbidden', detail: expect.stringMatching(/read; ingest/) });
    expect(reached).not.toHaveBeenCalled();
  });

  test('finds no trace of its key in the answer', async () => {
    expect(await (await guarded().get(bearer('clo_guess'))).text()).not.toContain('clo_guess');
  });

  test('may not send its key in the query, which access logs record', async () => {
    const app = answering();
    app.use(requireKey('ingest', { keys: storeOf(KEYS) }));
    expect((await app.request('/?key=writer')).status).toBe(401);
  });

  test('is not accepted because every key is revoked', async () => {
    const { get } = guarded({ old: keyOf('old', ['ingest'], { revokedAtMs: 1 }) });
    expect((await get()).status).toBe(401);
  });

  test('gets another error if the route replaces it', async () => {
    const app = answering();
    const refuse = vi.fn(() => new CollectorError('key_on_hold', 'own form'));
    app.use(requireKey('ingest', { keys: storeOf(KEYS), refuse }));
    const answer = await app.request('/');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await answer.json()).toMatchObject({ code: 'key_on_hold', detail: 'own form' });
    expect(refuse).toHaveBeenCalledWith(expect.objectContaining({ code: 'unauthorized', status: 401 }));
  });
});

test('each request refused because of its key is reported, with the reason', async () => {
  const { get, refused } = guarded();
  for (const headers of [{}, bearer('nobody'), bearer('old'), bearer('reader'), bearer('writer')]) await get(headers);
  expect(refused).toEqual(['missing', 'unknown', 'revoked', 'scope']);
});

describe('the rate of a key', () => {
  test('is the number of requests a second; the next one gets 429 with Retry-After', async () => {
    const { get, reached } = guarded();
    const statuses = [];
    for (let sent = 0; sent < 2; sent += 1) statuses.push((await get(bearer('slow'))).status);
    expect(statuses).toEqual([200, 200]);
    const refused = await get(bearer('slow'));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({
      code: 'too_many_requests',
      detail: expect.stringContaining('2 requests'),
    });
    expect(reached).toHaveBeenCalledTimes(2);
  });

  test('is the same for all guards together', async () => {
    const app = answering();
    const keys = storeOf({ busy: keyOf('busy', ['ingest', 'read'], { ratePerS: 1 }) });
    app.get('/in', requireKey('ingest', { keys }), (c) => c.text('in'));
    app.get('/out', requireKey('read', { keys }), (c) => c.text('out'));
    expect((await app.request('/in', { headers: bearer('busy') })).status).toBe(200);
    expect((await app.request('/out', { headers: bearer('busy') })).status).toBe(429);
  });

  test('is not used up by other keys or by requests with a wrong key', async () => {
    const { get } = guarded();
    await get(bearer('slow'));
    await get(bearer('slow'));
    await get(bearer('nobody'));
    expect((await get(bearer('slower'))).status).toBe(200);
    expect((await get(bearer('writer'))).status).toBe(200);
  });
});

describe('before the first key is made', () => {
  const { get } = guarded({});

  test('a request from the same process passes', async () => expect((await get()).status).toBe(200));

  test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('a client at %s is accepted', async (address) => {
    expect((await get({ host: 'localhost:4318' }, address)).status).toBe(200);
  });

  test.each(['192.0.2.7', '10.0.0.1', '::ffff:192.0.2.7', 'fe80::1'])('a client at %s gets 403', async (address) => {
    const answer = await get({ host: 'localhost' }, address);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('keys add') });
  });

  test.each([
    'localhost',
    'localhost:4318',
    'LOCALHOST:1',
    'a.localhost',
    '127.0.0.1:4318',
    '127.1.2.3',
    '[::1]',
    '[::1]:80',
  ])('the Host %s stands for this machine', async (host) =>
    expect((await get({ host }, '127.0.0.1')).status).toBe(200),
  );

  test.each([
    'attacker.example',
    'attacker.example:4318',
    'localhost.attacker.example',
    '127.0.0.1.attacker.example',
    'notlocalhost',
    '192.0.2.7:4318',
    '[2001:db8::1]:4318',
    '[::1',
    '',
  ])('the Host "%s" does not, even over loopback (DNS rebinding)', async (host) => {
    expect((await get({ host }, '127.0.0.1')).status).toBe(403);
  });

  test.each([
    [{ 'x-forwarded-for': '192.0.2.7' }, 403],
    [{ 'x-forwarded-for': '127.0.0.1, 192.0.2.7' }, 403],
    [{ 'x-forwarded-for': 'unknown' }, 403],
    [{ forwarded: 'for=192.0.2.7' }, 403],
    [{ 'x-forwarded-for': '127.0.0.1' }, 200],
    [{ forwarded: 'for="[::1]:4711"' }, 200],
  ])('a reverse proxy on this machine that asks for %j gets %i', async (headers, status) => {
    expect((await get({ host: '127.0.0.1:4318', ...headers }, '127.0.0.1')).status).toBe(status);
  });

  test('a long Host is repeated only in part', async () => {
    const answer = await get({ host: `${'x'.repeat(5000)}.example` }, '127.0.0.1');
    expect((await answer.text()).length).toBeLessThan(1000);
  });
});

describe('isLoopbackHost', () => {
  test.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.168.1.1', false],
    ['example.org', false],
  ])('%s: %s', (host, expected) => expect(isLoopbackHost(host)).toBe(expected));
});
