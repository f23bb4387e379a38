import type { Dimension, Metric } from '../ask/question.ts';
import type { Dialect } from '../rules/dialect.ts';
import { METRIC_SQL } from '../rules/metrics.ts';
import type { Source } from './sources.ts';

interface MetricRule {
  readonly source: Source;
  readonly sql: string;
}

const of = (source: Source, sql: string): MetricRule => ({ source, sql });
const quantile = (column: string, at: number): string =>
  `CAST(percentile_cont(${at}) WITHIN GROUP (ORDER BY ${column}) AS DOUBLE PRECISION)`;

/** How each metric is counted. */
export const METRIC_RULES = {
  views: of('facts', "count(*) FILTER (WHERE event = 'view.resource')"),
  downloads: of('facts', "count(*) FILTER (WHERE event = 'view.download' AND complete)"),
  investigations: of('facts', METRIC_SQL.total_investigations),
  requests: of('facts', METRIC_SQL.total_requests),
  unique_investigations: of('facts', METRIC_SQL.unique_investigations),
  unique_requests: of('facts', METRIC_SQL.unique_requests),
  bytes: of('facts', "coalesce(sum(bytes) FILTER (WHERE event = 'view.download'), 0)"),
  uploads: of('facts', "count(*) FILTER (WHERE event = 'file.uploaded')"),
  bytes_uploaded: of('facts', "coalesce(sum(bytes) FILTER (WHERE event = 'file.uploaded'), 0)"),
  visitors: of(
    'facts',
    "count(DISTINCT coalesce(user_key, session_base)) FILTER (WHERE event IN ('view.resource', 'view.download'))",
  ),
  events: of('facts', 'count(*)'),
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
} as const satisfies Record<Metric, MetricRule>;

/** A dimension as SQL, for the sources that have it. */
type DimensionRule = (dialect: Dialect) => Readonly<Partial<Record<Source, string>>>;

const time =
  (unit: 'hour' | 'day' | 'month'): DimensionRule =>
  (dialect) => {
    const sql = dialect.timeText('local_ms', unit);
    return { facts: sql, jobs: sql, readings: sql };
  };
const column =
  (...sources: readonly Source[]) =>
  (name: string): DimensionRule =>
  () =>
    Object.fromEntries(sources.map((source) => [source, name]));
const fact = column('facts');

export const DIMENSION_RULES: Readonly<Record<Dimension, DimensionRule>> = {
  hour: time('hour'),
  day: time('day'),
  month: time('month'),
  type: fact('event'),
  client: fact('client'),
  reason: fact('reason'),
  behaviour: fact('behaviour'),
  resource: column('facts', 'jobs')('resource_id'),
  resource_type: column('facts', 'jobs')('resource_type'),
  dataset: column('facts', 'jobs')('dataset_id'),
  attribution: fact('attribution'),
  space: fact('space_id'),
  collection: fact('collection_id'),
  content_type: fact('content_type'),
  user: fact('user_id'),
  country: fact('country'),
  referrer: (dialect) => ({ facts: dialect.hostOf('referrer') }),
  extractor: column('jobs')('extractor_name'),
  outcome: column('jobs')('outcome'),
  component: column('readings')('component'),
};
