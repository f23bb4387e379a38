/**
 * What identifies a viewer: the best that the event has. If it has nothing, each event counts as a different viewer.
 */
const viewer = (row: string): string =>
  `coalesce('user ' || ${row}.user_id, 'session ' || ${row}.session_id, 'client ' || ${row}.client_id, 'event ' || ${row}.event_id)`;

/** Extractors and bots are not people; scripts (\`api\`) and unknown clients count as people. */
export const byPeople = (row: string): string => `coalesce(${row}.client_kind, 'api') NOT IN ('extractor', 'bot')`;

export const day = (time: string): string => `(${time} AT TIME ZONE report_zone())::date`;
export const month = (time: string): string => `date_trunc('month', ${time} AT TIME ZONE report_zone())::date`;

/** Whether the same viewer had an event of the kind about the same resource shortly before. */
const seenWithin = (interval: string, conditions: string): string => `EXISTS (
      SELECT FROM events p
      WHERE p.event = e.event AND p.resource_id = e.resource_id AND p.resource_type IS NOT DISTINCT FROM e.resource_type
        AND p.created_at >= e.created_at - interval '${interval}' AND p.created_at <= e.created_at
        AND (p.created_at, p.event_id) < (e.created_at, e.event_id)
        AND ${viewer('p')} = ${viewer('e')} AND ${conditions})`;

/** Keeps the planner from recomputing the column wherever it is named. */
const ONCE_A_ROW = 'OFFSET 0';

const downloaded = (row: string): string =>
  `${byPeople(row)} AND coalesce(${row}.tracked, true) AND coalesce(${row}.complete, true)`;

/**
 * Clowder's own ids identify a job for everybody; a reporter's own number does so only together with what the job is
 * about.
 */
const JOB = `CASE
    WHEN e.job_id IS NULL THEN e.event_id
    WHEN e.job_id ~* '^([0-9a-f]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$' THEN lower(e.job_id)
    ELSE concat_ws(' ', e.job_id, e.extractor_name, e.resource_id)
  END`;

/**
 * The views that answer the usual questions. In \`downloads\` and \`views\` the column \`counted_as\` puts every event
 * into exactly one class, so that no total hides another.
 */
export const REPORTS = `
CREATE FUNCTION report_zone() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 'UTC';
COMMENT ON FUNCTION report_zone() IS 'Whose days and months the views count';

CREATE VIEW uploads AS
SELECT e.created_at, ${day('e.created_at')} AS day, ${month('e.created_at')} AS month, e.event_id, e.clowder_instance,
  e.client_kind, e.user_id, e.user_name, e.resource_id AS file_id, e.resource_name AS file_name, e.dataset_id,
  e.dataset_name, e.space_id, e.bytes, e.content_type
FROM events e WHERE e.event = 'file.uploaded';
COMMENT ON VIEW uploads IS 'One row an uploaded file or new version';

CREATE VIEW downloads AS
SELECT e.created_at, ${day('e.created_at')} AS day, ${month('e.created_at')} AS month, e.event_id, e.clowder_instance,
  e.client_kind, e.user_id, e.user_name, ${viewer('e')} AS viewer, e.resource_type, e.resource_id, e.resource_name,
  e.dataset_id, e.bytes, c.counted_as
FROM events e CROSS JOIN LATERAL (SELECT CASE
    WHEN e.client_kind = 'extractor' THEN 'extractor'
    WHEN e.client_kind = 'bot' THEN 'bot'
    WHEN e.tracked = false THEN 'untracked'
    WHEN e.complete = false THEN 'incomplete'
    WHEN ${seenWithin('30 seconds', downloaded('p'))} THEN 'repeated'
    ELSE 'counted'
  END AS counted_as ${ONCE_A_ROW}) c
WHERE e.event = 'view.download';
COMMENT ON VIEW downloads IS 'One row a download; counted_as says whether a report counts it, and if not, why';

CREATE VIEW views AS
SELECT e.created_at, ${day('e.created_at')} AS day, ${month('e.created_at')} AS month, e.event_id, e.clowder_instance,
  e.client_kind, e.user_id, e.user_name, ${viewer('e')} AS viewer, e.resource_type, e.resource_id, e.resource_name,
  e.dataset_id, c.counted_as, c.new_visit
FROM events e CROSS JOIN LATERAL (SELECT CASE
    WHEN e.client_kind = 'extractor' THEN 'extractor'
    WHEN e.client_kind = 'bot' THEN 'bot'
    WHEN ${seenWithin('30 seconds', byPeople('p'))} THEN 'repeated'
    ELSE 'counted'
  END AS counted_as,
  ${byPeople('e')} AND NOT ${seenWithin('30 minutes', byPeople('p'))} AS new_visit ${ONCE_A_ROW}) c
WHERE e.event = 'view.resource';
COMMENT ON VIEW views IS 'One row a view of a page; repeated: the same viewer had it within 30 seconds; new_visit: not within 30 minutes';

CREATE VIEW downloads_per_month AS
SELECT month, resource_type, resource_id, max(resource_name) AS resource_name,
  count(*) FILTER (WHERE counted_as = 'counted') AS downloads,
  count(DISTINCT viewer) FILTER (WHERE counted_as = 'counted') AS downloaders,
  coalesce(sum(bytes) FILTER (WHERE counted_as = 'counted'), 0)::bigint AS bytes,
  count(*) FILTER (WHERE counted_as = 'repeated') AS repeated,
  count(*) FILTER (WHERE counted_as = 'untracked') AS untracked,
  count(*) FILTER (WHERE counted_as = 'incomplete') AS incomplete,
  count(*) FILTER (WHERE counted_as = 'extractor') AS by_extractors,
  count(*) FILTER (WHERE counted_as = 'bot') AS by_bots
FROM downloads GROUP BY month, resource_type, resource_id;

${['day', 'month']
  .map(
    (period) => `
CREATE VIEW views_per_${period} AS
SELECT ${period}, resource_type, resource_id, max(resource_name) AS resource_name,
  count(*) FILTER (WHERE counted_as = 'counted') AS views,
  count(*) FILTER (WHERE new_visit) AS visits,
  count(DISTINCT viewer) FILTER (WHERE counted_as = 'counted') AS viewers,
  count(*) FILTER (WHERE counted_as = 'repeated') AS repeated,
  count(*) FILTER (WHERE counted_as = 'extractor') AS by_extractors,
  count(*) FILTER (WHERE counted_as = 'bot') AS by_bots
FROM views GROUP BY ${period}, resource_type, resource_id;`,
  )
  .join('\n')}

CREATE VIEW resource_usage AS
SELECT resource_type, resource_id, max(resource_name) AS resource_name,
  count(*) FILTER (WHERE kind = 'view') AS views,
  count(*) FILTER (WHERE kind = 'download') AS downloads,
  coalesce(sum(bytes) FILTER (WHERE kind = 'download'), 0)::bigint AS bytes_downloaded,
  max(created_at) AS last_used
FROM (
  SELECT 'view' AS kind, created_at, resource_type, resource_id, resource_name, NULL::bigint AS bytes
  FROM views WHERE counted_as = 'counted'
  UNION ALL
  SELECT 'download', created_at, resource_type, resource_id, resource_name, bytes
  FROM downloads WHERE counted_as = 'counted'
) used GROUP BY resource_type, resource_id;
COMMENT ON VIEW resource_usage IS 'Views and downloads of each resource that count, over all time';

CREATE VIEW bytes_per_user AS
SELECT ${month('e.created_at')} AS month, e.user_id, max(e.user_name) AS user_name,
  count(*) FILTER (WHERE e.event = 'file.uploaded') AS files_uploaded,
  coalesce(sum(e.bytes) FILTER (WHERE e.event = 'file.uploaded'), 0)::bigint AS bytes_uploaded,
  coalesce(sum(e.bytes) FILTER (WHERE e.event = 'view.download' AND ${byPeople('e')}), 0)::bigint AS bytes_downloaded,
  coalesce(sum(e.bytes) FILTER (WHERE e.event = 'view.download' AND e.client_kind = 'extractor'), 0)::bigint
    AS bytes_downloaded_by_extractors,
  count(*) FILTER (WHERE e.event = 'file.deleted') AS files_deleted,
  coalesce(sum(coalesce(e.bytes, (
    SELECT u.bytes FROM events u
    WHERE u.resource_id = e.resource_id AND u.event = 'file.uploaded' AND u.created_at <= e.created_at
    ORDER BY u.created_at DESC LIMIT 1
  ))) FILTER (WHERE e.event = 'file.deleted'), 0)::bigint AS bytes_deleted
FROM events e
WHERE e.event IN ('file.uploaded', 'file.deleted', 'view.download') AND e.client_kind IS DISTINCT FROM 'bot'
GROUP BY 1, e.user_id;
COMMENT ON VIEW bytes_per_user IS 'Bytes that each user moved, everything sent included; a deleted file counts what its last upload had; user_id NULL: not known';

CREATE VIEW extraction_jobs AS
SELECT ${JOB} AS job, max(e.extractor_name) AS extractor_name,
  max(e.resource_type) AS resource_type, max(e.resource_id) AS resource_id,
  min(e.created_at) FILTER (WHERE e.event = 'extraction.queued') AS queued_at,
  min(e.created_at) FILTER (WHERE e.event = 'extraction.working') AS started_at,
  max(e.created_at) FILTER (WHERE e.event IN ('extraction.done', 'extraction.failed')) AS ended_at,
  CASE
    WHEN bool_or(e.event = 'extraction.done') THEN 'done'
    WHEN bool_or(e.event = 'extraction.failed') THEN 'failed'
    ELSE 'open'
  END AS outcome,
  coalesce(
    max(e.duration_ms),
    extract(epoch FROM max(e.created_at) FILTER (WHERE e.event IN ('extraction.done', 'extraction.failed'))
      - min(e.created_at) FILTER (WHERE e.event = 'extraction.working')) * 1000
  )::double precision AS duration_ms
FROM events e WHERE e.event LIKE 'extraction.%' GROUP BY 1;
COMMENT ON VIEW extraction_jobs IS 'One row a job; an event without job_id is a job of its own';

CREATE VIEW extractor_metrics AS
SELECT ${month('coalesce(queued_at, started_at, ended_at)')} AS month, extractor_name,
  count(*) AS jobs,
  count(*) FILTER (WHERE outcome = 'done') AS done,
  count(*) FILTER (WHERE outcome = 'failed') AS failed,
  count(*) FILTER (WHERE outcome = 'open') AS open,
  round(100.0 * count(*) FILTER (WHERE outcome = 'failed') / nullif(count(*) FILTER (WHERE outcome <> 'open'), 0), 2)
    AS failed_percent,
  round(avg(duration_ms))::bigint AS duration_ms_avg,
  round(percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_ms))::bigint AS duration_ms_median,
  round(percentile_cont(0.95) WITHIN GROUP (ORDER BY duration_ms))::bigint AS duration_ms_p95,
  round(max(duration_ms))::bigint AS duration_ms_max,
  round(avg(extract(epoch FROM started_at - queued_at) * 1000))::bigint AS wait_ms_avg
FROM extraction_jobs GROUP BY 1, extractor_name;

CREATE VIEW user_activity AS
SELECT ${day('e.created_at')} AS day, ${month('e.created_at')} AS month, e.user_id, max(e.user_name) AS user_name,
  count(*) FILTER (WHERE e.event = 'user.login') AS logins,
  count(*) FILTER (WHERE e.event = 'view.resource') AS views,
  count(*) FILTER (WHERE e.event = 'view.download') AS downloads,
  count(*) FILTER (WHERE e.event = 'file.uploaded') AS uploads,
  count(*) FILTER (WHERE e.event LIKE '%.created') AS created,
  count(*) FILTER (WHERE e.event LIKE '%.deleted') AS deleted,
  min(e.created_at) AS first_event, max(e.created_at) AS last_event
FROM events e
WHERE e.user_id IS NOT NULL AND ${byPeople('e')} AND e.event NOT LIKE 'extraction.%' AND e.event NOT LIKE 'health.%'
GROUP BY 1, 2, e.user_id;
COMMENT ON VIEW user_activity IS 'One row a user and day on which the user did something; every event, repeated ones too';

CREATE VIEW active_users_per_day AS
SELECT day, count(*) AS active_users FROM user_activity GROUP BY day;
CREATE VIEW active_users_per_month AS
SELECT month, count(DISTINCT user_id) AS active_users FROM user_activity GROUP BY month;

CREATE VIEW health_uptime AS
SELECT ${day('e.created_at')} AS day, ${month('e.created_at')} AS month, coalesce(e.component, e.target) AS component,
  count(*) AS readings,
  count(*) FILTER (WHERE e.healthy) AS healthy,
  round(100.0 * count(*) FILTER (WHERE e.healthy) / count(*), 3) AS uptime_percent,
  round(avg(e.response_time_ms))::bigint AS response_time_ms_avg,
  round(max(e.response_time_ms))::bigint AS response_time_ms_max
FROM events e WHERE e.event = 'health.ping' AND e.healthy IS NOT NULL
GROUP BY 1, 2, coalesce(e.component, e.target);
COMMENT ON VIEW health_uptime IS 'Uptime: the share of readings that were healthy';

CREATE VIEW usage_per_month AS
SELECT month,
  coalesce(sum(n) FILTER (WHERE what = 'file.uploaded'), 0)::bigint AS files_uploaded,
  coalesce(sum(bytes) FILTER (WHERE what = 'file.uploaded'), 0)::bigint AS bytes_uploaded,
  coalesce(sum(n) FILTER (WHERE what = 'downloads'), 0)::bigint AS downloads,
  coalesce(sum(bytes) FILTER (WHERE what = 'downloads'), 0)::bigint AS bytes_downloaded,
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
COMMENT ON VIEW usage_per_month IS 'The usage report: one row a month';
`;
