import { z } from 'zod';
import { BEHAVIOURS } from '../rules/behaviour.ts';
import { REASONS } from '../rules/reasons.ts';
import { isTimeZone } from '../rules/time-zone.ts';

const valuesOf = (table: object): string => Object.keys(table).join(', ');

export const METRICS = {
  views: 'Pages of files, datasets, collections and spaces that were shown',
  downloads: 'Downloads that were not broken off',
  investigations: 'Looks at datasets: their pages, and pages and downloads of their files',
  requests: 'Downloads of datasets and their files, not broken off',
  unique_investigations: 'Investigations, once for each dataset and session',
  unique_requests: 'Requests, once for each dataset and session',
  bytes: 'Bytes sent by downloads',
  uploads: 'Files, and new versions of files, that were stored',
  bytes_uploaded: 'Bytes of uploads',
  visitors: 'Different users, or, where no user is known, sessions or clients, that viewed or downloaded',
  events: 'Events of people, programs and extractors: everything but jobs and health',
  jobs: 'Jobs of extractors',
  jobs_failed: 'Jobs that failed',
  wait_ms_p50: 'Median wait of a job, from queued to working, milliseconds',
  wait_ms_p95: '95th percentile of that',
  run_ms_p50: 'Median run of a job, milliseconds',
  run_ms_p95: '95th percentile of that',
  response_time_ms_p50: 'Median response time of what the monitor probes, milliseconds',
  response_time_ms_p95: '95th percentile of that',
  uptime_percent: 'Share of readings of the monitor that were healthy',
} as const;
export type Metric = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as [Metric, ...Metric[]];

/** Dimensions that figures can be split by and filtered by. */
export const DIMENSIONS = {
  hour: 'Hour of the time zone, 2026-10-31T07',
  day: 'Day of the time zone',
  month: 'Month of the time zone',
  type: 'Event type',
  client: 'Class of client: browser, tool, program, bot, ai_agent, extractor',
  reason: `Why it is not counted, or \`counted\`: ${valuesOf(REASONS)}. Without it, only what is counted is in the answer`,
  behaviour: `What the user's day looks like: ${valuesOf(BEHAVIOURS)}; \`ordinary\` leaves out what is flagged`,
  resource: 'Id of the file, dataset, collection or space',
  resource_type: 'file, dataset, collection or space',
  dataset: 'Id of the dataset; of a file, the one it is attributed to',
  attribution: 'How the dataset is known: event, seen, catalog, unattributed, no_item',
  space: 'Id of the space in which it was when it happened, as far as that was seen; else as the catalog has it',
  collection: 'Id of the collection; of a dataset, the first that the catalog has it in',
  content_type: 'Content type of the file',
  user: 'Id of the user',
  country: 'Country of the address, ISO 3166-1, where USAGE_COUNTRIES_FILE is set',
  referrer: 'Host of the page that led there',
  extractor: 'Name of the extractor',
  outcome: 'Of a job: done, failed or open',
  component: 'What the monitor probes',
} as const;
export type Dimension = keyof typeof DIMENSIONS;
export const DIMENSION_NAMES = Object.keys(DIMENSIONS) as [Dimension, ...Dimension[]];
export const TIME_DIMENSIONS = ['hour', 'day', 'month'] as const satisfies readonly Dimension[];

/** Dimensions whose values are ids of things with names. An extractor's only name is its id. */
export const NAMED_DIMENSIONS = ['resource', 'dataset', 'space', 'collection', 'user'] as const satisfies readonly Dimension[]; // prettier-ignore
export type NamedDimension = (typeof NAMED_DIMENSIONS)[number];
export const isNamed = (dimension: Dimension): dimension is NamedDimension =>
  NAMED_DIMENSIONS.some((one) => one === dimension);

const listOf = <const Names extends readonly [string, ...string[]]>(names: Names, least: number) =>
  z
    .string()
    .transform((given) => given.split(',').filter((name) => name !== ''))
    .refine((given) => given.length >= least && given.every((name) => names.includes(name)), {
      error: `must be one or more of ${names.join(', ')}, separated by commas`,
    })
    .refine((given) => new Set(given).size === given.length, 'must name each one once')
    .transform((given) => given as Names[number][]);

const RFC_3339 = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);
const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/;
/** A month, a day or a time; in the question's time zone unless it names one. */
const time = z
  .string()
  .refine((given) => MONTH.test(given) || RFC_3339.safeParse(given).success, 'must be a month, a day, or RFC 3339');

/** In a filter: a missing value. */
export const NONE = '(none)';

const filters = Object.fromEntries(
  DIMENSION_NAMES.filter((name) => !TIME_DIMENSIONS.some((one) => one === name)).map((name) => [
    name,
    z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(`Only these, separated by commas; ${NONE} stands for a missing value. ${DIMENSIONS[name]}`),
  ]),
) as Record<Exclude<Dimension, (typeof TIME_DIMENSIONS)[number]>, z.ZodOptional<z.ZodString>>;

/** Query of GET /api/v1/stats. */
export const statsQuery = z.object({
  metric: listOf(METRIC_NAMES, 1).describe(`What to count, separated by commas: ${METRIC_NAMES.join(', ')}`),
  by: listOf(DIMENSION_NAMES, 0)
    .default([])
    .describe(`What to split it by: ${DIMENSION_NAMES.join(', ')}`),
  from: time.describe('From this month, day or time on'),
  to: time.describe('Until the end of this month or day, or until this time'),
  time_zone: z.string().max(64).refine(isTimeZone, 'must be a time zone, such as America/Chicago').default('UTC'),
  compare: z
    .enum(['before'])
    .optional()
    .describe('before: the period of the same length that ends where this one begins'),
  top: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, 'must be an integer from 1 to 9999')
    .transform(Number)
    .optional()
    .describe('How many values of the first `by` to show, the largest first; all others form one row'),
  format: z.enum(['json', 'ndjson', 'csv']).optional(),
  ...filters,
});
export type StatsQuery = z.output<typeof statsQuery>;
