import { byPeople, day, month } from './002-reports.ts';

/** What a column of whole numbers can hold. */
const MOST_WHOLE = '9223372036854775807';
/** A hundred years: events with longer durations are refused, but rows from before that rule may hold any number. */
const LONGEST_MS = '3155760000000';

/** A sum as a whole number, capped at what the type can hold. */
const whole = (sum: string): string => `least(${sum}, ${MOST_WHOLE})::bigint`;
const sumOf = (column: string, condition: string): string =>
  whole(`coalesce(sum(${column}) FILTER (WHERE ${condition}), 0)`);
/** A number of milliseconds as a whole number. */
const wholeMs = (aggregate: string): string => `round(${aggregate})::bigint`;
/** Values beyond the bounds are unknown. */
const bounded = (column: string): string => `CASE WHEN ${column} BETWEEN 0 AND ${LONGEST_MS} THEN ${column} END`;

/** The views, with aggregates that cannot overflow: one absurd number would otherwise break the whole view. */
export const BOUNDS = `
CREATE OR REPLACE VIEW downloads_per_month AS
SELECT month, resource_type, resource_id, max(resource_name) AS resource_name,
  count(*) FILTER (WHERE counted_as = 'counted') AS downloads,
  count(DISTINCT viewer) FILTER (WHERE counted_as = 'counted') AS downloaders,
  ${sumOf('bytes', "counted_as = 'counted'")} AS bytes,
  count(*) FILTER (WHERE counted_as = 'repeated') AS repeated,
  count(*) FILTER (WHERE counted_as = 'untracked') AS untracked,
  count(*) FILTER (WHERE counted_as = 'incomplete') AS incomplete,
  count(*) FILTER (WHERE counted_as = 'extractor') AS by_extractors,
  count(*) FILTER (WHERE counted_as = 'bot') AS by_bots
FROM downloads GROUP BY month, resource_type, resource_id;

CREATE OR REPLACE VIEW resource_usage AS
SELECT resource_type, resource_id, max(resource_name) AS resource_name,
  count(*) FILTER (WHERE kind = 'view') AS views,
  count(*) FILTER (WHERE kind = 'download') AS downloads,
  ${sumOf('bytes', "kind = 'download'")} AS bytes_downloaded,
  max(created_at) AS last_used
FROM (
  SELECT 'view' AS kind, created_at, resource_type, resource_id, resource_name, NULL::bigint AS bytes
  FROM views WHERE counted_as = 'counted'
  UNION ALL
  SELECT 'download', created_at, resource_type, resource_id, resource_name, bytes
  FROM downloads WHERE counted_as = 'counted'
) used GROUP BY resource_type, resource_id;

CREATE OR REPLACE VIEW bytes_per_user AS
SELECT ${month('e.created_at')} AS month, e.user_id, max(e.user_name) AS user_name,
  count(*) FILTER (WHERE e.event = 'file.uploaded') AS files_uploaded,
  ${sumOf('e.bytes', "e.event = 'file.uploaded'")} AS bytes_uploaded,
  ${sumOf('e.bytes', `e.event = 'view.download' AND ${byPeople('e')}`)} AS bytes_downloaded,
  ${sumOf('e.bytes', "e.event = 'view.download' AND e.client_kind = 'extractor'")} AS bytes_downloaded_by_extractors,
  count(*) FILTER (WHERE e.event = 'file.deleted') AS files_deleted,
  ${sumOf(
    `coalesce(e.bytes, (
    SELECT u.bytes FROM events u
    WHERE u.resource_id = e.resource_id AND u.event = 'file.uploaded' AND u.created_at <= e.created_at
    ORDER BY u.created_at DESC LIMIT 1
  ))`,
    "e.event = 'file.deleted'",
  )} AS bytes_deleted
FROM events e
WHERE e.event IN ('file.uploaded', 'file.deleted', 'view.download') AND e.client_kind IS DISTINCT FROM 'bot'
GROUP BY 1, e.user_id;

CREATE OR REPLACE VIEW extractor_metrics AS
SELECT ${month('coalesce(queued_at, started_at, ended_at)')} AS month, extractor_name,
  count(*) AS jobs,
  count(*) FILTER (WHERE outcome = 'done') AS done,
  count(*) FILTER (WHERE outcome = 'failed') AS failed,
  count(*) FILTER (WHERE outcome = 'open') AS open,
  round(100.0 * count(*) FILTER (WHERE outcome = 'failed') / nullif(count(*) FILTER (WHERE outcome <> 'open'), 0), 2)
    AS failed_percent,
  ${wholeMs('avg(bounded_ms)')} AS duration_ms_avg,
  ${wholeMs('percentile_cont(0.5) WITHIN GROUP (ORDER BY bounded_ms)')} AS duration_ms_median,
  ${wholeMs('percentile_cont(0.95) WITHIN GROUP (ORDER BY bounded_ms)')} AS duration_ms_p95,
  ${wholeMs('max(bounded_ms)')} AS duration_ms_max,
  ${wholeMs('avg(extract(epoch FROM started_at - queued_at) * 1000)')} AS wait_ms_avg
FROM (SELECT *, ${bounded('duration_ms')} AS bounded_ms FROM extraction_jobs) jobs GROUP BY 1, extractor_name;

CREATE OR REPLACE VIEW health_uptime AS
SELECT ${day('e.created_at')} AS day, ${month('e.created_at')} AS month, coalesce(e.component, e.target) AS component,
  count(*) AS readings,
  count(*) FILTER (WHERE e.healthy) AS healthy,
  round(100.0 * count(*) FILTER (WHERE e.healthy) / count(*), 3) AS uptime_percent,
  ${wholeMs(`avg(${bounded('e.response_time_ms')})`)} AS response_time_ms_avg,
  ${wholeMs(`max(${bounded('e.response_time_ms')})`)} AS response_time_ms_max
FROM events e WHERE e.event = 'health.ping' AND e.healthy IS NOT NULL
GROUP BY 1, 2, coalesce(e.component, e.target);

CREATE OR REPLACE VIEW usage_per_month AS
SELECT month,
  coalesce(sum(n) FILTER (WHERE what = 'file.uploaded'), 0)::bigint AS files_uploaded,
  ${sumOf('bytes', "what = 'file.uploaded'")} AS bytes_uploaded,
  coalesce(sum(n) FILTER (WHERE what = 'downloads'), 0)::bigint AS downloads,
  ${sumOf('bytes', "what = 'downloads'")} AS bytes_downloaded,
  coalesce(sum(n) FILTER (WHERE what = 'views'), 0)::bigint AS views,
  coalesce(sum(n) FILTER (WHERE what = 'dataset.created'), 0)::bigint AS datasets_created,
  coalesce(sum(n) FILTER (WHERE what = 'user.signup'), 0)::bigint AS signups,
  coalesce(sum(n) FILTER (WHERE what = 'active users'), 0)::bigint AS active_users,
  coalesce(sum(n) FILTER (WHERE what = 'extraction.done'), 0)::bigint AS extractions_done,
  coalesce(sum(n) FILTER (WHERE what = 'extraction.failed'), 0)::bigint AS extractions_failed
FROM (
  SELECT ${month('e.created_at')} AS month, e.event AS what, count(*) AS n, sum(e.bytes) AS bytes
  FROM events e
  WHERE e.event IN ('file.uploaded', 'dataset.created', 'user.signup', 'extraction.done', 'extraction.failed')
  GROUP BY 1, 2
  UNION ALL
  SELECT month, 'downloads', count(*), sum(bytes) FROM downloads WHERE counted_as = 'counted' GROUP BY month
  UNION ALL
  SELECT month, 'views', count(*), NULL FROM views WHERE counted_as = 'counted' GROUP BY month
  UNION ALL
  SELECT month, 'active users', active_users, NULL FROM active_users_per_month
) parts GROUP BY month;
`;
