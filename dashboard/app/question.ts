/** Who used Clowder: one switch for all panels. */
export const AUDIENCES = {
  counted: { name: 'All counted', filters: {} },
  people: { name: 'People', filters: { client: 'browser' } },
  scripts: { name: 'Scripts', filters: { client: 'tool,program', reason: 'counted,tool' } },
  extractors: { name: 'Extractors', filters: { client: 'extractor', reason: 'extractor' } },
  bots: { name: 'Bots', filters: { client: 'bot,ai_agent', reason: 'bot,ai_agent' } },
} as const satisfies Readonly<Record<string, { name: string; filters: Readonly<Record<string, string>> }>>;
export type Audience = keyof typeof AUDIENCES;
export const AUDIENCE_NAMES = Object.keys(AUDIENCES) as Audience[];

/** Usage filters that a click sets, with their titles. */
export const FILTERS = {
  dataset: 'Dataset',
  resource: 'Resource',
  space: 'Space',
  collection: 'Collection',
  type: 'Event',
  content_type: 'File type',
  referrer: 'Referrer',
  country: 'Country',
  user: 'User',
} as const;
export type Filter = keyof typeof FILTERS;
export const FILTER_NAMES = Object.keys(FILTERS) as Filter[];

export const audienceOf = (params: Readonly<Record<string, string>>): Audience => {
  const given = params['who'];
  return given !== undefined && Object.hasOwn(AUDIENCES, given) ? (given as Audience) : 'counted';
};

/** Filters that also apply to extractor jobs, which have no client. */
const OF_JOBS: readonly Filter[] = ['dataset', 'resource'];

/** The address's filters, as the stats API takes them. */
export function filtersOf(
  params: Readonly<Record<string, string>>,
  about: 'use' | 'jobs' = 'use',
): Record<string, string> {
  const names = about === 'use' ? FILTER_NAMES : OF_JOBS;
  const chosen = names.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]] as const]));
  return { ...(about === 'use' ? AUDIENCES[audienceOf(params)].filters : {}), ...Object.fromEntries(chosen) };
}

/** URL of this question to the stats API. */
export function statsUrl(asked: Readonly<Record<string, string | number | undefined>>): `/api/v1/stats?${string}` {
  const entries = Object.entries(asked).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return `/api/v1/stats?${new URLSearchParams(entries).toString().replaceAll('%2C', ',').replaceAll('%3A', ':')}`;
}

/** The same URL, for a file. */
export const inFormat = (url: string, format: 'csv' | 'json'): string =>
  `${url}${url.includes('?') ? '&' : '?'}format=${format}`;
