import { entriesOf, parseHttpUrl } from '../../runtime/config/values.ts';

/** What can be asked of Clowder: names and places of resources, who makes a request. */
export const ENRICHED = ['names', 'users'] as const;
export type Enriched = (typeof ENRICHED)[number];

export interface EnrichmentSettings {
  readonly what: readonly Enriched[];
  /** Of Clowder: scheme, host, port, and the path that precedes every route. */
  readonly url: URL;
  /** The operator's own key, for names; without one, only what is public is told. */
  readonly apiKey?: string | undefined;
  /** How long the events of a request wait, and a look-up may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Answers that are kept. */
  readonly cacheSize: number;
  /** For how long, in milliseconds. */
  readonly cacheTtlMs: number;
}

export const DEFAULT_TIMEOUT_S = 1;
/** Weaker observations of a request wait 60 s for the events. */
export const LONGEST_TIMEOUT_S = 10;
export const DEFAULT_CACHE_SIZE = 10_000;
export const DEFAULT_CACHE_TTL_S = 300;

/** `off`, or a list such as `names,users`; undefined if it is neither. */
export function parseEnriched(text: string): readonly Enriched[] | undefined {
  if (text.trim() === 'off') return [];
  const parts = entriesOf(text);
  return parts.length > 0 && parts.every(isEnriched) ? [...new Set(parts)] : undefined;
}

const isEnriched = (text: string): text is Enriched => ENRICHED.some((one) => one === text);

/** Clowder's address; undefined if the text is none that can be asked at. */
export function parseClowderUrl(text: string): URL | undefined {
  const url = parseHttpUrl(text);
  const isPlain = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return isPlain ? url : undefined;
}

/** Whether a text can be a key: it is sent in a header. */
export const isKey = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);
