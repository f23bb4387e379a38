import { Hono, type Context } from 'hono';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { z } from 'zod';
import { QuestionError, sharedAnswer, type SharedAnswer } from '../../usage/ask/answer.ts';
import { SHARED_DIMENSIONS, withinLimits } from '../../usage/ask/limits.ts';
import { statsQuery, type StatsQuery } from '../../usage/ask/question.ts';
import { CollectorError } from '../errors.ts';
import type { Share, ShareCheck } from '../keys/shares.ts';
import { answer, json } from './answers.ts';
import { defineRoute, serve, type Route } from './route.ts';
import { writeStats } from './stats-route.ts';

const token = z.string().max(100).describe('The token of a share link, `clowder-otel shares add` makes one');
const shownLimits = z.object({
  name: z.string(),
  metrics: z.array(z.string()),
  datasets: z.array(z.string()).nullable().describe('Null: all'),
  by: z.array(z.string()).describe('What figures can be split and filtered by'),
  from: z.string(),
  to: z.string(),
  expires: z.iso.datetime().nullable(),
});

const getShare = defineRoute({
  method: 'get',
  path: '/api/v1/shared',
  scope: 'public',
  operationId: 'get_share',
  tags: ['usage'],
  summary: 'What a share link shows',
  request: { query: z.object({ token }) },
  errors: ['unauthorized', 'too_many_requests'],
  responses: { 200: answer('Its limits', json(shownLimits)) },
});

const getSharedStats = defineRoute({
  method: 'get',
  path: '/api/v1/shared/stats',
  scope: 'public',
  operationId: 'get_shared_stats',
  tags: ['usage'],
  summary: 'The same as /api/v1/stats, within the limits of a share link',
  request: { query: statsQuery.extend({ token }) },
  errors: ['unauthorized', 'forbidden', 'too_many_requests', 'usage_unavailable'],
  responses: {
    200: answer('Figures, as of /api/v1/stats, without names', {
      ...json(sharedAnswer),
      'application/x-ndjson': {},
      'text/csv': {},
    }),
  },
});

export const SHARED_ROUTES: readonly Route[] = [getShare, getSharedStats];

/** Requests per second for one link: enough for a page of figures and its reloads. */
const RATE = 50;

const REFUSED = {
  unknown: 'This share link is unknown: ask for a new one',
  revoked: 'This share link was revoked: ask for a new one',
  expired: 'This share link has expired: ask for a new one',
} as const;

/** @param ask answers a question; absent if this collector does not count usage */
export function sharedRoutes(
  shares: ShareCheck,
  ask: ((query: StatsQuery) => Promise<SharedAnswer>) | undefined,
): Hono {
  const app = new Hono();
  const limiter = new RateLimiterMemory({ points: RATE, duration: 1 });

  async function shareOf(given: string): Promise<Share> {
    const share = shares.verify(given);
    if (typeof share === 'string') throw new CollectorError('unauthorized', REFUSED[share]);
    await limiter.consume(share.id).catch(() => {
      throw new CollectorError('too_many_requests', `More than ${RATE} requests a second with this share link`);
    });
    return share;
  }

  const priv = (c: Context): void => {
    // The URL holds the token, so it is never sent as a referrer, and no cache stores the answer.
    c.header('referrer-policy', 'no-referrer');
    c.header('cache-control', 'private, no-store');
  };

  serve(app, getShare, async (c, query) => {
    priv(c);
    const { name, metrics, datasets, from, to, expiresAtMs } = await shareOf(query.token);
    const expires = expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString();
    return c.json(
      { name, metrics: [...metrics], datasets: datasets === undefined ? null : [...datasets], by: [...SHARED_DIMENSIONS], from, to, expires }, // prettier-ignore
      200,
    );
  });
  serve(app, getSharedStats, async (c, { token: given, ...query }) => {
    priv(c);
    const limited = limit(query, await shareOf(given));
    if (ask === undefined) throw new CollectorError('usage_unavailable', 'Usage is not counted here');
    return writeStats(c, await ask(limited), limited);
  });
  return app;
}

function limit(query: StatsQuery, share: Share): StatsQuery {
  try {
    return withinLimits(query, share);
  } catch (error) {
    if (error instanceof QuestionError && error.code !== 'unavailable')
      throw new CollectorError(error.code, error.message);
    throw error;
  }
}
