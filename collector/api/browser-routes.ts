import { randomUUID } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { cors } from 'hono/cors';
import { z } from 'zod';
import { BROWSER_TYPES, type BrowserPoster } from '../../taxonomy/browser.ts';
import { issuesAsText } from '../../taxonomy/check-draft.ts';
import type { ClientAddressOf } from '../keys/client-address.ts';
import { createByteBudget } from '../otlp/byte-budget.ts';
import { isLoopbackHost, overRate, remoteAddress } from '../keys/auth.ts';
import type { ApiKey, KeyCheck, KeyStore } from '../keys/store.ts';
import type { BrowserAnswer } from '../intake/browser-intake.ts';
import { CollectorError, type ErrorCode } from '../errors.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json, ref } from './answers.ts';
import { createClientLimit } from './client-limit.ts';
import { JSON_ERRORS, readJson } from './request-body.ts';
import { defineRoute, serve, type Route } from './route.ts';

export interface BrowserDependencies {
  readonly keys: KeyCheck & Pick<KeyStore, 'list'>;
  readonly allowedOrigins: readonly string[];
  readonly clientAddress: ClientAddressOf;
  readonly submit: (said: unknown, poster: BrowserPoster) => Promise<BrowserAnswer>;
  /** Called for each refused event, with the reason. */
  readonly onRefused: (reason: ErrorCode) => void;
}

/** What the snippet sends, for the OpenAPI document. `taxonomy/browser.ts` repairs wrong values. */
export const pageView = z.object({
  key: z.string().optional(),
  event: z
    .enum([...BROWSER_TYPES, 'view.ended'])
    .optional()
    .describe('Without it a view of the address'),
  url: z.string().describe("The page's address, which tells what the page shows"),
  referrer: z.string().optional(),
  title: z.string().optional(),
  id: z
    .string()
    .optional()
    .describe('Made by the page. The same id sent again is the same event. It is not the `event_id`'),
  request: z
    .string()
    .optional()
    .describe('`clowder` from the `Server-Timing` of the page: joins this view with that of the request'),
  age_ms: z.number().optional().describe('How long ago it happened, in milliseconds'),
  visible_ms: z.number().optional().describe('For `view.ended`: how long the page was visible'),
  session_id: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional().describe('Fields of the type that `event` names'),
});

const query = z.object({ key: z.string().optional() });

const definition = {
  method: 'post' as const,
  operationId: 'post_page_view',
  tags: ['events'],
  summary: 'Reports of the browser snippet, from pages of allowed origins',
  description: 'The key (scope browser) is in the body or the query, as sendBeacon sends no headers of its own.',
  scope: 'browser' as const,
  request: {
    query,
    body: {
      required: true,
      content: {
        'application/json': {
          schema: ref('PageView'),
          example: { url: 'https://clowder.example/datasets/5f1e00000000000000000002', title: 'A dataset' },
        },
      },
    },
  },
  responses: {
    202: answer('Journaled', json(ANSWERS.PageViewAccepted)),
  },
  errors: [...JSON_ERRORS, 'origin_not_allowed', 'invalid_event', 'journal_full', 'journal_unavailable'] as const,
};

const postPageView = defineRoute({ ...definition, path: '/api/v1/browser' });
/** The same route, next to the snippet, under a name that blockers do not match. */
const postBesideSnippet = defineRoute({
  ...definition,
  path: '/c/v',
  operationId: 'post_beside_snippet',
  hidden: 'it is /api/v1/browser by another name',
});

export const BROWSER_ROUTES: readonly Route[] = [postPageView, postBesideSnippet];

/** Enough for a page view: an address, a referrer and a title. Anyone may post, so the limit is tight. */
const VIEW_MAX = 64 * 1024;
const VIEW_MS = 10_000;
const BUDGET_BYTES = 8 * 1024 * 1024;
/** Page views that one client may send at once: together at most half of the budget. */
const VIEWS_OF_CLIENT = BUDGET_BYTES / 2 / VIEW_MAX;

/** POST /api/v1/browser: reports of the snippet, from pages of allowed origins only. */
export function browserRoutes(deps: BrowserDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(BUDGET_BYTES);
  const clients = createClientLimit(VIEWS_OF_CLIENT);
  const mayPost = allowedBy(deps);
  const allow = cors({
    origin: (origin) => (mayPost(origin) ? origin : null),
    allowMethods: ['POST'],
    credentials: true,
  });
  const receive = async (c: Context, { key }: z.output<typeof query>) => {
    try {
      return c.json({ id: await take(c, key) }, 202);
    } catch (error) {
      if (error instanceof CollectorError) deps.onRefused(error.code);
      throw error;
    }
  };
  for (const { path } of BROWSER_ROUTES) app.use(path, allow);
  serve(app, postPageView, receive);
  serve(app, postBesideSnippet, receive);

  async function take(c: Context, ofQuery: string | undefined): Promise<string> {
    const origin = c.req.header('origin');
    if (origin === undefined || !mayPost(origin)) throw new CollectorError('origin_not_allowed', NOT_ALLOWED);
    // A key in the query is checked before the body is read.
    if (ofQuery !== undefined) await checkKey(ofQuery, origin);
    const clientAddress = deps.clientAddress(remoteAddress(c), (name) => c.req.header(name));
    const said = await readView(c, clientAddress ?? '');
    if (ofQuery === undefined) await checkKey(keyOf(said), origin);
    const verdict = await deps.submit(said, {
      origin,
      page: c.req.header('referer'),
      newId: randomUUID(),
      clientAddress,
      userAgent: c.req.header('user-agent'),
    });
    if (verdict.ok) return verdict.id;
    throw new CollectorError('invalid_event', issuesAsText(verdict.issues));
  }

  async function readView(c: Context, client: string): Promise<unknown> {
    const leave = clients.enter(client);
    const lease = budget.lease();
    try {
      return await readJson(c, { maxBytes: VIEW_MAX, totalMs: VIEW_MS, lease });
    } finally {
      lease.end();
      leave();
    }
  }

  /** The snippet sends its key in the body or the query, where the guard in front of all routes does not look. */
  async function checkKey(presented: string, origin: string): Promise<void> {
    const { keys } = deps;
    if (keys.isEmpty()) return;
    const key = keys.verify(presented);
    if (key === 'unknown' || key === 'revoked')
      throw new CollectorError(
        'unauthorized',
        'The key of the snippet is unknown or revoked: make one with --scope browser',
      );
    if (!key.scopes.includes('browser'))
      throw new CollectorError('forbidden', 'The key of the snippet lacks the scope browser');
    if (!mayPost(origin, key)) throw new CollectorError('origin_not_allowed', NOT_ALLOWED);
    const waitS = await overRate(keys, key);
    if (waitS !== undefined)
      throw new CollectorError('too_many_requests', 'Too many page views a second with this key', {
        retryAfterS: waitS,
      });
  }
  return app;
}

const NOT_ALLOWED =
  'Pages of this origin may not send page views: make a key with --origin for it, or add it to ALLOWED_ORIGINS';

/** Whether pages of an origin may post with this key; if none is given, with any key. */
function allowedBy({ keys, allowedOrigins }: BrowserDependencies): (origin: string, key?: ApiKey) => boolean {
  return (origin, key) => {
    if (key?.origins !== undefined) return key.origins.includes(origin);
    if (allowedOrigins.includes(origin)) return true;
    if (key !== undefined) return false;
    // Until a key is made, only pages of this machine may post.
    if (keys.isEmpty()) return URL.canParse(origin) && isLoopbackHost(hostOf(origin));
    const isGood = ({ revokedAtMs = Number.POSITIVE_INFINITY }: ApiKey): boolean => Date.now() < revokedAtMs;
    return keys.list().some((one) => one.origins?.includes(origin) === true && isGood(one));
  };
}

const hostOf = (origin: string): string => new URL(origin).hostname.replace(/^\[|\]$/g, '');

function keyOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'key' in body && typeof body.key === 'string' ? body.key : '';
}
