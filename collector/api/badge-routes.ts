import { hash } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { z } from 'zod';
import { badge, type Badge } from '../../usage/ask/badge.ts';
import { CollectorError } from '../errors.ts';
import { remoteAddress } from '../keys/auth.ts';
import type { ClientAddressOf } from '../keys/client-address.ts';
import { badgeSvg } from './badge-svg.ts';
import { answer, json } from './answers.ts';
import { defineRoute, serve, type Route } from './route.ts';

const query = z.object({
  format: z.enum(['json', 'svg']).default('json'),
  metric: z.enum(['views', 'downloads']).default('downloads').describe('What an SVG shows'),
});

const getBadge = defineRoute({
  method: 'get',
  path: '/api/v1/badge/{dataset}',
  scope: 'public',
  operationId: 'get_badge',
  tags: ['usage'],
  summary: 'Views and downloads of a dataset that is open to all, for its page',
  request: { query, params: z.object({ dataset: z.string().max(256) }) },
  errors: ['too_many_requests', 'usage_unavailable'],
  responses: { 200: answer('The counter', { ...json(badge), 'image/svg+xml': { schema: z.string() } }) },
});

export const BADGE_ROUTES: readonly Route[] = [getBadge];

/** Age at which a cached figure is computed again. */
const FRESH_MS = 5 * 60_000;
/** How long browsers and shared caches may keep an answer. */
const MAX_AGE_S = 300;
const KEPT = 10_000;
/** Uncached counters that one client may request per minute: enough for a long list of datasets. */
const LOOK_UPS = 300;
const WITHIN_S = 60;

/** A cache of counters. They are public, so anyone may request them, any number of times. */
class Kept {
  readonly #ask: (dataset: string) => Promise<Badge | undefined>;
  readonly #now: () => number;
  readonly #limiter = new RateLimiterMemory({ points: LOOK_UPS, duration: WITHIN_S });
  readonly #badges = new Map<string, { readonly atMs: number; readonly badge: Promise<Badge | undefined> }>();

  constructor(ask: (dataset: string) => Promise<Badge | undefined>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** @throws CollectorError too_many_requests if one client requests too many uncached counters */
  async of(dataset: string, client: string): Promise<Badge | undefined> {
    const kept = this.#fresh(dataset);
    if (kept !== undefined) return kept;
    await this.#allow(client);
    // Another request may have filled the cache during the wait.
    return this.#fresh(dataset) ?? this.#lookUp(dataset);
  }

  #fresh(dataset: string): Promise<Badge | undefined> | undefined {
    const known = this.#badges.get(dataset);
    return known !== undefined && this.#now() - known.atMs < FRESH_MS ? known.badge : undefined;
  }

  async #allow(client: string): Promise<void> {
    await this.#limiter.consume(client).catch(() => {
      throw new CollectorError('too_many_requests', `More than ${LOOK_UPS} counters in ${WITHIN_S} s for one client`);
    });
  }

  #lookUp(dataset: string): Promise<Badge | undefined> {
    this.#badges.delete(dataset);
    const [oldest] = this.#badges.size < KEPT ? [] : this.#badges.keys();
    if (oldest !== undefined) this.#badges.delete(oldest);
    const asked = this.#ask(dataset);
    this.#badges.set(dataset, { atMs: this.#now(), badge: asked });
    // A failure is not cached.
    asked.catch(() => this.#badges.delete(dataset));
    return asked;
  }
}

interface BadgeRoutes {
  /** Looks up the counter of a dataset; absent if this collector publishes none. */
  readonly ask: ((dataset: string) => Promise<Badge | undefined>) | undefined;
  readonly clientAddress: ClientAddressOf;
  readonly now?: () => number;
}

export function badgeRoutes({ ask, clientAddress, now = Date.now }: BadgeRoutes): Hono {
  const app = new Hono();
  const kept = ask && new Kept(ask, now);
  serve(app, getBadge, async (c, { format, metric }) => {
    // Pages of any origin may show the counter.
    c.header('access-control-allow-origin', '*');
    const dataset = c.req.param('dataset') ?? '';
    const found =
      dataset.length > 256
        ? undefined
        : await kept?.of(dataset, clientAddress(remoteAddress(c), (name) => c.req.header(name)) ?? '');
    if (found === undefined)
      throw new CollectorError('not_found', 'There is no public counter of this dataset, or there are none here');
    return send(c, format === 'svg' ? badgeSvg(metric, found[metric]) : JSON.stringify(found), format);
  });
  return app;
}

const TYPES = { json: 'application/json', svg: 'image/svg+xml; charset=utf-8' } as const;

function send(c: Context, body: string, format: 'json' | 'svg'): Response {
  const etag = `"${hash('sha256', body, 'hex').slice(0, 16)}"`;
  c.header('etag', etag);
  c.header('cache-control', `public, max-age=${MAX_AGE_S}`);
  c.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
  const known = new Set((c.req.header('if-none-match') ?? '').split(',').map((one) => one.trim().replace(/^W\//, '')));
  if (known.has(etag) || known.has('*')) return c.body(null, 304);
  return c.body(body, 200, { 'content-type': TYPES[format] });
}
