import { randomBytes } from 'node:crypto';
import { createAsk } from './ask.ts';
import { createEnricher } from './enricher.ts';
import { createHttpGet, type HttpGetOptions } from './http-get.ts';
import type { EnrichmentSettings } from './settings.ts';
import { EnrichmentStats } from './stats.ts';
import type { Enricher } from './types.ts';

/** An enricher that asks Clowder over HTTP. */
export function createClowderEnricher(
  clowder: 'v1' | 'v2',
  { what, url, apiKey, timeoutMs, cacheSize, cacheTtlMs }: EnrichmentSettings,
  tls: Omit<HttpGetOptions, 'url'> = {},
): Enricher {
  const stats = new EnrichmentStats();
  return createEnricher({
    clowder,
    names: what.includes('names'),
    users: what.includes('users'),
    ask: createAsk({ get: createHttpGet({ url, ...tls }), stats, timeoutMs }),
    stats,
    apiKey,
    processKey: randomBytes(32),
    waitMs: timeoutMs,
    cacheEntries: cacheSize,
    cacheMs: cacheTtlMs,
  });
}
