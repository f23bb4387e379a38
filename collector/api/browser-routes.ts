import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { z } from 'zod';
import type { ClientAddressOf } from '../client-address.ts';
import { createByteBudget } from '../otlp/body.ts';
import { overRate, remoteAddress } from '../keys/auth.ts';
import type { KeyStore } from '../keys/store.ts';
import type { StatedEvent, StatedVerdict } from '../intake/stated-intake.ts';
import { denyAsProblem, problem, unavailable } from './problem.ts';
import { readText, RequestError } from './request-body.ts';

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
      return problem(
        c,
        403,
        'origin_not_allowed',
        'Pages of this origin may not send page views: add it to ALLOWED_ORIGINS',
      );
    try {
      const parsed = pageView.safeParse(JSON.parse(await readText(c, budget)));
      if (!parsed.success)
        return problem(
          c,
          422,
          'invalid_event',
          parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; '),
        );
      const { key, ...view } = parsed.data;
      const verdict = deps.keys.isEmpty() ? undefined : deps.keys.verify(key ?? c.req.query('key') ?? '');
      if (verdict === 'unknown' || verdict === 'revoked')
        return problem(
          c,
          401,
          'unauthorized',
          'The key of the snippet is unknown or revoked: make one with --scope browser',
        );
      if (verdict !== undefined && !verdict.scopes.includes('browser'))
        return problem(c, 403, 'forbidden', 'The key of the snippet has not the scope browser');
      const waitS = verdict === undefined ? undefined : await overRate(deps.keys, verdict);
      if (waitS !== undefined) return denyAsProblem(c, 429, 'Too many page views a second with this key', waitS);
      const address = deps.clientAddress(remoteAddress(c), (name) => c.req.header(name));
      const userAgent = c.req.header('user-agent');
      const [answer] = await deps.submit([{ value: { ...view, event: 'view.page' } }], {
        ...(address !== undefined && { clientAddress: address }),
        ...(userAgent !== undefined && { userAgent }),
      });
      if (answer?.ok === true) return c.json({ id: answer.id }, 202);
      return problem(
        c,
        422,
        'invalid_event',
        answer?.issues.map((issue) => `${issue.field} ${issue.message}`).join('; ') ?? 'not accepted',
      );
    } catch (error) {
      if (error instanceof RequestError) {
        if (error.status === 503) c.header('retry-after', '1');
        return problem(c, error.status, error.code, error.message);
      }
      if (error instanceof SyntaxError) return problem(c, 400, 'invalid_json', 'The body is not valid JSON');
      const busy = unavailable(c, error);
      if (busy !== undefined) return busy;
      throw error;
    }
  });
  return app;
}
