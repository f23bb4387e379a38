import { entriesOf, parseHttpUrl } from '../../runtime/config/values.ts';

/** What Clowder can be asked for: names and places of resources, and who makes a request. */
export const ENRICHED = ['names', 'users'] as const;
export type Enriched = (typeof ENRICHED)[number];

export interface EnrichmentSettings {
  readonly what: readonly Enriched[];
  /** Clowder's URL: scheme, host, port, and the path before every route. */
  readonly url: URL;
  /** The operator's own key, for names; without one, Clowder tells only what is public. */
  readonly apiKey?: string | undefined;
  /** How long a request's events may wait and a look-up may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Cached answers. */
  readonly cacheSize: number;
  /** How long answers stay cached, in milliseconds. */
  readonly cacheTtlMs: number;
}

export const DEFAULT_TIMEOUT_S = 1;
/** Must stay below the 60 s that weaker observations of a request wait for its events. */
export const LONGEST_TIMEOUT_S = 10;
export const DEFAULT_CACHE_SIZE = 10_000;
export const DEFAULT_CACHE_TTL_S = 300;

/** `off`, or a list such as `names,users`; undefined for anything else. */
export function parseEnriched(text: string): readonly Enriched[] | undefined {
  if (text.trim() === 'off') return [];
  const parts = entriesOf(text);
  return parts.length > 0 && parts.every(isEnriched) ? [...new Set(parts)] : undefined;
}

const isEnriched = (text: string): text is Enriched => ENRICHED.some((one) => one === text);

/** Clowder's address; undefined if the text is not a plain HTTP URL. */
export function parseClowderUrl(text: string): URL | undefined {
  const url = parseHttpUrl(text);
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isPlain ? url : undefined;
}

/** Whether a text can be a key, which is sent in a header. */
export const isKey = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);
