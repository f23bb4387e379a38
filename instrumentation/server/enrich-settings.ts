import { blankUrls } from '../../runtime/config/blank.ts';
import { textOf, type Environment } from '../../runtime/config/source.ts';
import { number } from '../../runtime/config/values.ts';
import {
  DEFAULT_CACHE_SIZE,
  DEFAULT_CACHE_TTL_S,
  DEFAULT_TIMEOUT_S,
  ENRICHED,
  LONGEST_TIMEOUT_S,
  isKey,
  parseClowderUrl,
  parseEnriched,
  type Enriched,
  type EnrichmentSettings,
} from '../enrichment/settings.ts';
import type { ClowderVersion } from '../../taxonomy/http/types.ts';

/** How to complete events, given in code; what is left out comes from the environment. */
export interface EnrichSettings {
  /** What to ask Clowder for; CLOWDER_ENRICH. */
  readonly what?: readonly Enriched[];
  /** URL of Clowder itself, with the path before every route; CLOWDER_ENRICH_URL. */
  readonly url?: string;
  /** Key for looking up names; CLOWDER_ENRICH_API_KEY. @default none: only public resources are told */
  readonly apiKey?: string;
  /** How long events may wait, in seconds; CLOWDER_ENRICH_TIMEOUT_S. @default 1 */
  readonly timeoutS?: number;
  /** Cached answers; CLOWDER_ENRICH_CACHE_SIZE. @default 10000 */
  readonly cacheSize?: number;
  /** How long answers stay cached, in seconds; CLOWDER_ENRICH_CACHE_TTL_S. @default 300 */
  readonly cacheTtlS?: number;
}

/**
 * The effective settings; undefined if enrichment is off, as by default, or misconfigured.
 *
 * @param given in code; false: off, whatever the environment says
 * @param log called with what is invalid or missing
 */
export function enrichmentSettings(
  given: EnrichSettings | false | undefined,
  clowder: ClowderVersion,
  env: Environment,
  log: (message: string) => void,
): EnrichmentSettings | undefined {
  if (given === false) return undefined;
  const what = given?.what ?? parseEnriched(textOf(env, 'CLOWDER_ENRICH') ?? 'off');
  if (what?.length === 0) return undefined;
  const url = parseClowderUrl(given?.url ?? textOf(env, 'CLOWDER_ENRICH_URL') ?? '');
  const apiKey = given?.apiKey ?? textOf(env, 'CLOWDER_ENRICH_API_KEY');
  const problems = [
    what === undefined && `CLOWDER_ENRICH may be off, or a list of ${ENRICHED.join(', ')}`,
    clowder === 'auto' && 'CLOWDER_VERSION must say whose API is to be asked: v1 or v2',
    url === undefined && 'CLOWDER_ENRICH_URL must be the http or https URL of Clowder itself',
    apiKey !== undefined && !isKey(apiKey) && 'CLOWDER_ENRICH_API_KEY must be visible ASCII characters',
  ].filter((problem) => problem !== false);
  if (problems.length > 0 || what === undefined || url === undefined) {
    log(`events are not completed by look-ups: ${problems.join('; ')}`);
    return undefined;
  }
  const numberOf = (name: string, inCode: number | undefined, byDefault: number, most?: number): number => {
    const said = inCode ?? textOf(env, name) ?? byDefault;
    const value = number('a number', { above: 0, ...(most !== undefined && { most }) });
    const parsed = value.parse(said);
    if (parsed === undefined)
      log(`${name} is ${blankUrls(String(said))}; it may be ${value.mayBe}. Taking ${byDefault}`);
    return parsed ?? byDefault;
  };
  return {
    what,
    url,
    apiKey,
    timeoutMs: numberOf('CLOWDER_ENRICH_TIMEOUT_S', given?.timeoutS, DEFAULT_TIMEOUT_S, LONGEST_TIMEOUT_S) * 1000,
    cacheSize: numberOf('CLOWDER_ENRICH_CACHE_SIZE', given?.cacheSize, DEFAULT_CACHE_SIZE),
    cacheTtlMs: numberOf('CLOWDER_ENRICH_CACHE_TTL_S', given?.cacheTtlS, DEFAULT_CACHE_TTL_S) * 1000,
  };
}
