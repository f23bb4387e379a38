import type { Enricher } from '../instrumentation/enrichment/types.ts';
import { readPem } from './pem.ts';
import type { ProxySettings } from './settings.ts';

/**
 * The enricher that the settings ask for; undefined if they ask for none, and then its code is not loaded.
 *
 * @throws ConfigError if the CA cannot be read
 */
export async function proxyEnricher(settings: ProxySettings): Promise<Enricher | undefined> {
  const { CLOWDER_VERSION: version, CLOWDER_ENRICH: what } = settings;
  if (what.length === 0 || version === 'auto') return undefined;
  const { createClowderEnricher } = await import('../instrumentation/enrichment/clowder-enricher.ts');
  return createClowderEnricher(
    version,
    {
      what,
      url: settings.CLOWDER_ENRICH_URL ?? new URL(settings.CLOWDER_CONTEXT, settings.PROXY_TARGET),
      apiKey: settings.CLOWDER_ENRICH_API_KEY,
      timeoutMs: settings.CLOWDER_ENRICH_TIMEOUT_S * 1000,
      cacheSize: settings.CLOWDER_ENRICH_CACHE_SIZE,
      cacheTtlMs: settings.CLOWDER_ENRICH_CACHE_TTL_S * 1000,
    },
    {
      ca: readPem('PROXY_TARGET_CA_FILE', settings.PROXY_TARGET_CA_FILE),
      rejectUnauthorized: !settings.PROXY_TARGET_INSECURE,
    },
  );
}
