import { Hono, type Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import { CollectorError } from '../errors.ts';
import { admit, askedBy, type KeyGuard } from '../keys/auth.ts';
import { SESSION_COOKIE, SESSION_IDLE_S, type Sessions } from '../keys/sessions.ts';
import { SCOPES, type KeyStore } from '../keys/store.ts';
import { createByteBudget } from '../otlp/byte-budget.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json } from './answers.ts';
import { JSON_ERRORS, readJsonWithin } from './request-body.ts';
import { defineRoute, serve, type Route } from './route.ts';

export interface SessionDependencies {
  readonly keys: Pick<KeyStore, 'isEmpty' | 'verify' | 'list'>;
  readonly sessions: Sessions;
}

const BODY_MAX = 4096;
/** Body of POST /api/v1/session. */
export const loginRequest = z.strictObject({ key: z.string().min(1).max(300) });

const ofSession = {
  path: '/api/v1/session',
  scope: 'public',
  hidden: 'a session is the login of the dashboard, a page for people',
} as const;
const who = { 200: answer('Who is logged in', json(ANSWERS.Session)) };

const getSession = defineRoute({
  ...ofSession,
  method: 'get',
  operationId: 'get_session',
  summary: 'Who is logged in to the dashboard',
  responses: who,
  errors: ['unauthorized', 'forbidden'],
});
const openSession = defineRoute({
  ...ofSession,
  method: 'post',
  operationId: 'open_session',
  summary: 'Log in to the dashboard with a key of scope read',
  responses: who,
  errors: [...JSON_ERRORS, 'unsupported_media_type', 'invalid_request', 'unauthorized', 'forbidden'],
});
const closeSession = defineRoute({
  ...ofSession,
  method: 'delete',
  operationId: 'close_session',
  summary: 'Log out of the dashboard',
  responses: { 204: { description: 'It is over' } },
});

export const SESSION_ROUTES: readonly Route[] = [getSession, openSession, closeSession];

/**
 * Dashboard login: exchanges a key with the scope read for a cookie that scripts cannot read and other sites cannot send.
 * Another site cannot send JSON or DELETE without a CORS preflight, and these routes answer none.
 */
export function sessionRoutes({ keys, sessions }: SessionDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(64 * BODY_MAX);
  // A mistyped key raises no alert.
  const guard: KeyGuard = { keys, sessions };

  serve(app, getSession, async (c) => {
    const admission = await admit('read', guard, askedBy(c));
    if ('refused' in admission) throw admission.refused;
    if (admission.keyId === undefined) return c.json({ key: null, scopes: [...SCOPES] }, 200);
    const key = keys.list().find(({ id }) => id === admission.keyId);
    return c.json({ key: key?.name ?? '', scopes: [...(key?.scopes ?? [])] }, 200);
  });

  serve(app, openSession, async (c) => {
    const parsed = loginRequest.safeParse(await readJsonWithin(c, budget, BODY_MAX));
    if (!parsed.success) throw new CollectorError('invalid_request', 'The body must be {"key": "clo_…"}');
    const presented = parsed.data.key.trim();
    const key = keys.verify(presented);
    if (key === 'unknown')
      throw new CollectorError('unauthorized', 'This key is unknown: check that you copied all of it');
    if (key === 'revoked') throw new CollectorError('unauthorized', 'This key was revoked: ask for a new one');
    if (!key.scopes.includes('read'))
      throw new CollectorError(
        'forbidden',
        `This key has the scope ${key.scopes.join(', ')}; the dashboard needs read`,
      );
    setCookie(c, SESSION_COOKIE, sessions.open(presented), {
      httpOnly: true,
      sameSite: 'Strict',
      path: '/',
      maxAge: SESSION_IDLE_S,
      secure: isSecure(c),
    });
    return c.json({ key: key.name, scopes: [...key.scopes] }, 200);
  });

  serve(app, closeSession, (c) => {
    const token = getCookie(c, SESSION_COOKIE);
    if (token !== undefined) sessions.close(token);
    deleteCookie(c, SESSION_COOKIE, { path: '/' });
    return c.body(null, 204);
  });

  return app;
}

/** Over TLS, also at a reverse proxy, the cookie is for TLS only. A client that forges the header locks out only itself. */
const isSecure = (c: Context): boolean =>
  (c.req.header('x-forwarded-proto') ?? new URL(c.req.url).protocol).startsWith('https');
