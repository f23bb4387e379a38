import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { z } from 'zod';
import type { ClientAddressOf } from '../client-address.ts';
import { createByteBudget } from '../otlp/body.ts';
import { overRate, remoteAddress } from '../keys/auth.ts';
import type { KeyStore } from '../keys/store.ts';
import type { StatedEvent, StatedVerdict } from '../intake/stated-intake.ts';
import { CollectorError } from '../errors.ts';
import { readJson } from './request-body.ts';

export interface BrowserDependencies {
  readonly keys: KeyStore;
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
  event_id: z.string().min(1).max(128).optional(),
  url: z.string(),
  referrer: z.string().min(1).optional(),
  title: z.string().min(1).optional(),
  session_id: z.string().min(1).optional(),
});

/** POST /api/v1/browser: page views from the snippet, by sendBeacon, from pages of allowed origins only. */
export function browserRoutes(deps: BrowserDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(8 * 1024 * 1024);
  app.use('/api/v1/browser', cors({ origin: [...deps.allowedOrigins], allowMethods: ['POST'], credentials: true }));
  app.post('/api/v1/browser', async (c) => {
    const origin = c.req.header('origin');
    if (origin === undefined || !deps.allowedOrigins.includes(origin))
      throw new CollectorError(
        'origin_not_allowed',
        'Pages of this origin may not send page views: add it to ALLOWED_ORIGINS',
      );
    const parsed = pageView.safeParse(await readJson(c, budget));
    if (!parsed.success)
      throw new CollectorError(
        'invalid_event',
        parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '),
      );
    const { key, ...view } = parsed.data;
    await checkKey(deps.keys, key ?? c.req.query('key') ?? '');
    const address = deps.clientAddress(remoteAddress(c), (name) => c.req.header(name));
    const userAgent = c.req.header('user-agent');
    const [answer] = await deps.submit([{ value: { ...view, event: 'view.page' } }], {
      ...(address !== undefined && { clientAddress: address }),
      ...(userAgent !== undefined && { userAgent }),
    });
    if (answer?.ok === true) return c.json({ id: answer.id }, 202);
    throw new CollectorError(
      'invalid_event',
      answer?.issues.map((issue) => `${issue.field} ${issue.message}`).join('; ') ?? 'not accepted',
    );
  });
  return app;
}

/** A snippet sends its key in the body or the query, so that no guard in front can check it. */
async function checkKey(keys: KeyStore, presented: string): Promise<void> {
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
