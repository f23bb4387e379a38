import { Hono, type Context } from 'hono';
import { cors } from 'hono/cors';
import { z } from 'zod';
import type { ClientAddressOf } from '../keys/client-address.ts';
import { createByteBudget } from '../otlp/byte-budget.ts';
import { overRate, remoteAddress } from '../keys/auth.ts';
import type { KeyCheck } from '../keys/store.ts';
import type { StatedEvent, StatedVerdict } from '../intake/stated-intake.ts';
import { CollectorError } from '../errors.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json, ref } from './answers.ts';
import { createClientLimit } from './client-limit.ts';
import { JSON_ERRORS, readJson } from './request-body.ts';
import { defineRoute, serve, type Route } from './route.ts';

export interface BrowserDependencies {
  readonly keys: KeyCheck;
  readonly allowedOrigins: readonly string[];
  readonly clientAddress: ClientAddressOf;
  readonly submit: (
    events: readonly StatedEvent[],
    poster: { clientAddress?: string; userAgent?: string },
  ) => Promise<readonly StatedVerdict[]>;
}

/** A page view as the snippet sends it; whatever else it says is not looked at. */
export const pageView = z.object({
  key: z.string().optional(),
  event_id: z.string().min(1).max(128).optional().describe('Not used: everybody can read the key of a page'),
  url: z.string(),
  referrer: z.string().min(1).optional(),
  title: z.string().min(1).optional(),
  session_id: z.string().min(1).optional(),
});

const postPageView = defineRoute({
  method: 'post',
  path: '/api/v1/browser',
  operationId: 'post_page_view',
  tags: ['events'],
  summary: 'Page view of the browser snippet, from pages of ALLOWED_ORIGINS',
  description: 'The key (scope browser) is in the body or the query, as sendBeacon sends no headers of its own.',
  scope: 'browser',
  request: {
    query: z.object({ key: z.string().optional() }),
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
  errors: [...JSON_ERRORS, 'origin_not_allowed', 'invalid_event', 'journal_full', 'journal_unavailable'],
});

export const BROWSER_ROUTES: readonly Route[] = [postPageView];

/** A page view is an address, the one before, and a title: a stranger may send no more. */
const VIEW_MAX = 64 * 1024;
const VIEW_MS = 10_000;
const BUDGET_BYTES = 8 * 1024 * 1024;
/** Of one client at once: all of them together are half of the budget. */
const VIEWS_OF_CLIENT = BUDGET_BYTES / 2 / VIEW_MAX;

/** POST /api/v1/browser: page views from the snippet, by sendBeacon, from pages of allowed origins only. */
export function browserRoutes(deps: BrowserDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(BUDGET_BYTES);
  const clients = createClientLimit(VIEWS_OF_CLIENT);
  app.use(postPageView.path, cors({ origin: [...deps.allowedOrigins], allowMethods: ['POST'], credentials: true }));
  serve(app, postPageView, async (c, { key: ofQuery }) => {
    const origin = c.req.header('origin');
    if (origin === undefined || !deps.allowedOrigins.includes(origin))
      throw new CollectorError(
        'origin_not_allowed',
        'Pages of this origin may not send page views: add it to ALLOWED_ORIGINS',
      );
    // Who says who it is beforehand is looked at beforehand.
    if (ofQuery !== undefined) await checkKey(deps.keys, ofQuery);
    const address = deps.clientAddress(remoteAddress(c), (name) => c.req.header(name));
    const body = await readView(c, address ?? '');
    if (ofQuery === undefined) await checkKey(deps.keys, keyOf(body));
    const parsed = pageView.safeParse(body);
    if (!parsed.success)
      throw new CollectorError(
        'invalid_event',
        parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '),
      );
    const { key: _key, ...view } = parsed.data;
    const userAgent = c.req.header('user-agent');
    const [verdict] = await deps.submit([{ value: { ...view, event: 'view.page' } }], {
      ...(address !== undefined && { clientAddress: address }),
      ...(userAgent !== undefined && { userAgent }),
    });
    if (verdict?.ok === true) return c.json({ id: verdict.id }, 202);
    throw new CollectorError(
      'invalid_event',
      verdict?.issues.map((issue) => `${issue.field} ${issue.message}`).join('; ') ?? 'not accepted',
    );
  });

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
  return app;
}

function keyOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'key' in body && typeof body.key === 'string' ? body.key : '';
}

/** A snippet sends its key in the body or the query, so that no guard in front can check it. */
async function checkKey(keys: KeyCheck, presented: string): Promise<void> {
  if (keys.isEmpty()) return;
  const key = keys.verify(presented);
  if (key === 'unknown' || key === 'revoked')
    throw new CollectorError(
      'unauthorized',
      'The key of the snippet is unknown or revoked: make one with --scope browser',
    );
  if (!key.scopes.includes('browser'))
    throw new CollectorError('forbidden', 'The key of the snippet has not the scope browser');
  const waitS = await overRate(keys, key);
  if (waitS !== undefined)
    throw new CollectorError('too_many_requests', 'Too many page views a second with this key', {
      retryAfterS: waitS,
    });
}
