import type { Dimension, Metric } from '../ask/question.ts';
import type { Dialect, TimeUnit } from '../rules/dialect.ts';
import type { KEYED } from '../rules/facts.ts';
import { METRIC_SQL } from '../rules/metrics.ts';
import { DAY_MS, HOUR_MS } from '../rules/time-zone.ts';
import type { Source } from './sources.ts';

/** A sum over facts: of their number or of their bytes. */
export interface SumRule {
  readonly of: 'n' | 'bytes';
  /** Which facts: a condition on columns of `SUMMED_BY`. */
  readonly where: string;
}

interface MetricRule {
  readonly source: Source;
  readonly sql: string;
  /** For metrics that add up: the parts sum to the whole. */
  readonly sum?: SumRule;
}

/** Columns that sums distinguish facts by. */
export const SUMMED_BY = ['event', 'complete', 'item', 'request'] as const;

const of = (source: Source, sql: string): MetricRule => ({ source, sql });
const quantile = (column: string, at: number): string =>
  `CAST(percentile_cont(${at}) WITHIN GROUP (ORDER BY ${column}) AS DOUBLE PRECISION)`;
const sum = (what: SumRule['of'], where: string): MetricRule => ({
  source: 'facts',
  sql: what === 'n' ? `count(*) FILTER (WHERE ${where})` : `coalesce(sum(bytes) FILTER (WHERE ${where}), 0)`,
  sum: { of: what, where },
});

/** Counting rule of each metric. */
export const METRIC_RULES: Readonly<Record<Metric, MetricRule>> = {
  views: sum('n', "event = 'view.resource'"),
  downloads: sum('n', "event = 'view.download' AND complete"),
  investigations: sum('n', 'item'),
  requests: sum('n', 'request'),
  unique_investigations: of('facts', METRIC_SQL.unique_investigations),
  unique_requests: of('facts', METRIC_SQL.unique_requests),
  bytes: sum('bytes', "event = 'view.download'"),
  uploads: sum('n', "event = 'file.uploaded'"),
  bytes_uploaded: sum('bytes', "event = 'file.uploaded'"),
  visitors: of('facts', "count(DISTINCT visitor) FILTER (WHERE event IN ('view.resource', 'view.download'))"),
  events: sum('n', 'TRUE'),
  jobs: of('jobs', 'count(*)'),
  jobs_failed: of('jobs', "count(*) FILTER (WHERE outcome = 'failed')"),
  wait_ms_p50: of('jobs', quantile('wait_ms', 0.5)),
  wait_ms_p95: of('jobs', quantile('wait_ms', 0.95)),
  run_ms_p50: of('jobs', quantile('run_ms', 0.5)),
  run_ms_p95: of('jobs', quantile('run_ms', 0.95)),
  response_time_ms_p50: of('readings', quantile('response_time_ms', 0.5)),
  response_time_ms_p95: of('readings', quantile('response_time_ms', 0.95)),
  uptime_percent: of(
    'readings',
    'CAST(100.0 * count(*) FILTER (WHERE healthy) AS DOUBLE PRECISION) / nullif(count(*) FILTER (WHERE healthy IS NOT NULL), 0)',
  ),
};

/** A dimension of one source in SQL. */
export interface Divider {
  /** Expression that rows are grouped by. */
  readonly key: string;
  /** Makes the key's text. @default the key itself */
  readonly text?: (key: string) => string;
  /** Whether the key is a word's number, if the engine has words. */
  readonly isWord?: boolean;
}

/** A dimension, by source that has it. */
type DimensionRule = (dialect: Dialect) => Readonly<Partial<Record<Source, Divider>>>;

/** Hours and days are grouped as numbers and become text only at the end: years have millions of facts, but few days. */
const time =
  (unit: TimeUnit, keyMs: number): DimensionRule =>
  (dialect) => {
    const divider = {
      key: dialect.quotient('local_ms', keyMs),
      text: (key: string) => dialect.timeText(`(${key} * ${keyMs})`, unit),
    };
    return { facts: divider, jobs: divider, readings: divider };
  };
const column =
  (...sources: readonly Source[]) =>
  (name: string): DimensionRule =>
  () =>
    Object.fromEntries(sources.map((source) => [source, { key: name }]));
const fact = column('facts');
const word =
  (name: (typeof KEYED)[number], ...sources: readonly Source[]): DimensionRule =>
  (dialect) => ({ ...column(...sources)(name)(dialect), facts: { key: dialect.keyed(name), isWord: true } });

export const DIMENSION_RULES: Readonly<Record<Dimension, DimensionRule>> = {
  hour: time('hour', HOUR_MS),
  day: time('day', DAY_MS),
  month: time('month', DAY_MS),
  type: fact('event'),
  client: fact('client'),
  reason: fact('reason'),
  behaviour: fact('behaviour'),
  resource: word('resource_id', 'jobs'),
  resource_type: word('resource_type', 'jobs'),
  dataset: word('dataset_id', 'jobs'),
  attribution: fact('attribution'),
  space: word('space_id'),
  collection: word('collection_id'),
  content_type: word('content_type'),
  user: word('user_id'),
  country: word('country'),
  referrer: word('referrer_host'),
  extractor: column('jobs')('extractor_name'),
  outcome: column('jobs')('outcome'),
  component: column('readings')('component'),
};
