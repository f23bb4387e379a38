import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { answerErrors } from '../answer-error.ts';
import { PAGE_HEADER, requireKey, type Refusal } from '../keys/auth.ts';
import { createSessions, SESSION_COOKIE } from '../keys/sessions.ts';
import type { ApiKey, Scope } from '../keys/store.ts';
import { sessionRoutes } from './session-routes.ts';

const keyOf = (name: string, scopes: readonly Scope[], more: Partial<ApiKey> = {}): ApiKey => ({
  id: `id-${name}`,
  name,
  scopes,
  ratePerS: 1000,
  createdAtMs: 0,
  revokedAtMs: undefined,
  ...more,
});

function dashboard(
  given: readonly ApiKey[] = [
    keyOf('reader', ['read']),
    keyOf('boss', ['read', 'admin']),
    keyOf('sender', ['ingest']),
    keyOf('old', ['read'], { revokedAtMs: 1 }),
  ],
) {
  // prettier-ignore
  const refused: Refusal[] = [];
  const revoked = new Set<string>();
  const keys = {
    isEmpty: () => given.length === 0,
    list: () => given,
    verify: (presented: string) => {
      const key = given.find(({ name }) => `clo_${name}` === presented);
      if (key === undefined) return 'unknown' as const;
      return key.revokedAtMs === undefined && !revoked.has(key.name) ? key : ('revoked' as const);
    },
  };
  const sessions = createSessions(Date.now);
  const app = new Hono();
  answerErrors(app, { error: () => undefined });
  const guard = { keys, sessions, onRefused: (reason: Refusal) => refused.push(reason) };
  app.use('/read', requireKey('read', guard));
  app.use('/change', requireKey('admin', guard));
  app.get('/read', (c) => c.text('read'));
  app.post('/change', (c) => c.text('changed'));
  app.route('/', sessionRoutes({ keys, sessions }));
  const logIn = (key: unknown, headers: object = {}) =>
    app.request('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ key }),
    });
  const cookieOf = async (key: string): Promise<string> =>
    (await logIn(key)).headers.get('set-cookie')?.split(';', 1)[0] ?? '';
  return { app, refused, revoked, logIn, cookieOf };
}

const detail = async (answer: Response): Promise<string> => ((await answer.json()) as { detail: string }).detail;

describe('a login to the dashboard', () => {
  test('turns a key with read access into a cookie that no script can read and no other site can send', async () => {
    const { app, logIn } = dashboard();
    const answer = await logIn('clo_reader');
    expect(await answer.json()).toEqual({ key: 'reader', scopes: ['read'] });
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(
      new RegExp(`^${SESSION_COOKIE}=[\\w-]{43}; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict$`),
    );
    expect(cookie).not.toContain('clo_reader');
    const headers = { cookie: cookie.split(';', 1)[0] ?? '' };
    expect(await (await app.request('/read', { headers })).text()).toBe('read');
    expect(await (await app.request('/api/v1/session', { headers })).json()).toEqual({
      key: 'reader',
      scopes: ['read'],
    });
  });

  test('over TLS sets a cookie for TLS only', async () => {
    const cookie = (await dashboard().logIn('clo_reader', { 'x-forwarded-proto': 'https' })).headers.get('set-cookie');
    expect(cookie).toContain('; Secure');
  });

  test.each([
    ['clo_nobody', 401, /unknown/],
    ['clo_old', 401, /revoked/],
    ['clo_sender', 403, /scope ingest; the dashboard needs read/],
    ['', 400, /body must be/],
    [7, 400, /body must be/],
  ])('by %s is refused with %i and a reason', async (key, status, words) => {
    const answer = await dashboard().logIn(key);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('set-cookie')).toBeNull();
    expect(await detail(answer)).toMatch(words);
  });

  test('cannot be made by a form of another site', async () => {
    const { app } = dashboard();
    const body = '{"key":"clo_reader"}';
    const answer = await app.request('/api/v1/session', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body,
    });
    expect(answer.status).toBe(415);
  });

  test('ends for every copy of the cookie when the user logs out', async () => {
    const { app, cookieOf } = dashboard();
    const cookie = await cookieOf('clo_reader');
    const out = await app.request('/api/v1/session', { method: 'DELETE', headers: { cookie } });
    expect([out.status, out.headers.get('set-cookie')]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    expect((await app.request('/read', { headers: { cookie } })).status).toBe(401);
  });

  test('ends when its key is revoked', async () => {
    const { app, cookieOf, revoked } = dashboard();
    const cookie = await cookieOf('clo_reader');
    revoked.add('reader');
    expect((await app.request('/read', { headers: { cookie } })).status).toBe(401);
  });

  test('that is over or mistyped is not counted as a refused key, so it raises no alert', async () => {
    const { app, logIn, refused } = dashboard();
    await logIn('clo_nobody');
    await app.request('/api/v1/session');
    await app.request('/read', { headers: { cookie: `${SESSION_COOKIE}=gone` } });
    expect(refused).toEqual([]);
    await app.request('/read');
    expect(refused).toEqual(['missing']);
  });
});

describe('a change', () => {
  const change = (headers: Record<string, string>) => ({ method: 'POST', headers });

  test('may be made by a login with the scope admin from the pages of the dashboard', async () => {
    const { app, cookieOf } = dashboard();
    const cookie = await cookieOf('clo_boss');
    const own = { cookie, [PAGE_HEADER]: '1', 'sec-fetch-site': 'same-origin' };
    expect(await (await app.request('/change', change(own))).text()).toBe('changed');
    const reader = { ...own, cookie: await cookieOf('clo_reader') };
    expect((await app.request('/change', change(reader))).status).toBe(403);
  });

  test.each([
    ['without the header of our pages', {}],
    ['by a page of another site', { [PAGE_HEADER]: '1', 'sec-fetch-site': 'cross-site' }],
    ['by a page of a sibling site', { [PAGE_HEADER]: '1', 'sec-fetch-site': 'same-site' }],
  ])('is refused %s, whatever the cookie', async (_, headers) => {
    const { app, cookieOf } = dashboard();
    const answer = await app.request('/change', change({ cookie: await cookieOf('clo_boss'), ...headers }));
    expect(answer.status).toBe(403);
  });

  test('may be made with a key, which no other site can send', async () => {
    const { app } = dashboard();
    expect((await app.request('/change', change({ authorization: 'Bearer clo_boss' }))).status).toBe(200);
  });
});

describe('before the first key is made', () => {
  test('clients on this machine need no login, and may do everything', async () => {
    const { app } = dashboard([]);
    const answer = await app.request('/api/v1/session');
    expect(await answer.json()).toEqual({
      key: null,
      scopes: ['ingest', 'capture', 'read', 'browser', 'counter', 'admin'],
    });
    expect((await app.request('/change', { method: 'POST' })).status).toBe(200);
  });

  test('a web page open on this machine may change nothing', async () => {
    const { app } = dashboard([]);
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await app.request('/change', { method: 'POST', headers })).status).toBe(403);
  });
});
