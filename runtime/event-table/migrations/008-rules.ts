import { day, month } from './002-reports.ts';

/** Clowder v1's user for people who are not logged in. */
const GUEST = '0'.repeat(24);
const LATEST = (column: string): string =>
  `(array_agg(${column} ORDER BY created_at DESC, event_id DESC) FILTER (WHERE ${column} IS NOT NULL))[1]`;
const ms = (time: string): string => `(extract(epoch FROM ${time}) * 1000)::bigint`;
export const text = (name: string): string =>
  `CASE WHEN jsonb_typeof(e.data->'${name}') = 'string' THEN e.data->>'${name}' END`;
const whole = (sum: string): string => `least(coalesce(${sum}, 0), 9223372036854775807)::bigint`;
const excluded = (kind: string, condition: string): string =>
  `EXISTS (SELECT FROM usage_excluded n WHERE n.kind = '${kind}' AND ${condition})`;
const sums = (...classes: readonly (readonly [name: string, ...counted: readonly string[]])[]): string =>
  classes
    .map(
      ([name, ...counted]) =>
        `count(*) FILTER (WHERE counted_as IN (${counted.map((one) => `'${one}'`).join(', ')})) AS ${name}`,
    )
    .join(',\n  ');
const EXCLUDED = ['excluded_user', 'excluded_network', 'excluded_agent'] as const;

/**
 * Views and downloads, and what the rules say about each on its own.
 *
 * @param isObserved the condition for events `e` whose request was observed
 */
export const judgedUses = (isObserved: string): string =>
  `SELECT e.event_id, e.created_at, e.event, e.clowder_instance, e.client_kind, k.user_id, e.user_name, e.resource_type, e.resource_id,
  e.resource_name, e.dataset_name, e.bytes, coalesce(e.complete, true) AS complete, w.client,
  coalesce('u ' || k.user_id, 's ' || e.session_id, k.client_key) AS viewer_key,
  coalesce('s ' || e.session_id, 'u ' || k.user_id, k.client_key, 'e ' || e.event_id) AS session_key,
  e.session_id IS NULL AS hourly,
  CASE WHEN e.resource_type = 'dataset' THEN e.resource_id WHEN k.file_id IS NOT NULL THEN coalesce(e.dataset_id,
    (SELECT p.dataset_id FROM usage_placements p WHERE p.file_id = k.file_id AND p.from_ms <= ${ms('e.created_at')}
     ORDER BY p.from_ms DESC, p.dataset_id DESC LIMIT 1),
    (SELECT p.dataset_id FROM usage_placements p WHERE p.file_id = k.file_id ORDER BY p.from_ms, p.dataset_id LIMIT 1),
    (SELECT c.dataset_id FROM usage_catalog_files c WHERE c.file_id = k.file_id))
  END AS dataset_id,
  CASE
    WHEN w.client IN ('extractor', 'bot', 'ai_agent') THEN w.client
    WHEN ${excluded('user', 'n.value IN (k.user_id, e.user_name)')} THEN 'excluded_user'
    WHEN x.excluded THEN 'excluded_network'
    WHEN ${excluded('agent', 'strpos(lower(e.user_agent), n.value) > 0')} THEN 'excluded_agent'
    WHEN e.data->'preview' = 'true'::jsonb THEN 'preview'
    WHEN NOT coalesce(e.tracked, true) THEN 'untracked'
    WHEN w.client = 'tool' AND NOT k.known THEN 'tool'
  END AS out_as
FROM events e
LEFT JOIN usage_agents a ON a.user_agent = e.user_agent
LEFT JOIN usage_addresses x ON x.client_address = e.client_address
CROSS JOIN LATERAL (SELECT nullif(e.user_id, '${GUEST}') AS user_id,
  coalesce(${text('file_id')}, CASE WHEN e.resource_type = 'file' THEN e.resource_id END) AS file_id,
  nullif(e.user_id, '${GUEST}') IS NOT NULL OR coalesce(${text('auth_method')}, 'none') <> 'none' AS known,
  coalesce('c ' || e.client_id, 'a ' || e.client_address || ' ' || coalesce(e.user_agent, '')) AS client_key) k
CROSS JOIN LATERAL (SELECT CASE
    WHEN e.client_kind = 'extractor' OR a.agent = 'extractor' THEN 'extractor'
    WHEN a.agent IN ('tool', 'ai_agent') THEN a.agent
    WHEN a.agent = 'bot' OR e.client_kind = 'bot' THEN 'bot'
    WHEN a.agent IS NOT NULL THEN a.agent
    WHEN e.client_kind = 'browser' THEN 'browser'
    WHEN e.user_agent IS NULL AND e.client_kind IS NULL AND ${isObserved} AND NOT k.known THEN 'bot'
    ELSE 'program'
  END AS client) w
WHERE e.event IN ('view.resource', 'view.download')`;

/**
 * The views by the counting rules, as in the usage store (docs/counting-rules.md): the later of a double click counts,
 * visits are sessions, uses of a file count for its dataset, and a download is also an investigation.
 */
export const RULES = `
CREATE TABLE usage_excluded (kind text NOT NULL, value text NOT NULL, PRIMARY KEY (kind, value));
COMMENT ON TABLE usage_excluded IS 'Own staff and tests, as the process that counts usage has them set: kind is user or agent';

CREATE VIEW judged_uses AS
${judgedUses("e.source IN ('proxy', 'nginx')")};
COMMENT ON VIEW judged_uses IS 'Views and downloads, and what the rules say of each by itself; user agents are judged by the process that counts usage, until then client_kind tells';

CREATE VIEW uses AS
SELECT j.event_id, j.created_at, ${day('j.created_at')} AS day, ${month('j.created_at')} AS month, j.event, j.clowder_instance, j.client_kind,
  j.client, j.user_id, j.user_name, coalesce(j.viewer_key, j.session_key) AS viewer,
  CASE WHEN j.session_key LIKE 'e %' THEN j.session_key
    WHEN j.hourly THEN j.session_key || to_char(j.created_at AT TIME ZONE report_zone(), ' YYYY-MM-DD"T"HH24')
    ELSE j.session_key || to_char(j.created_at AT TIME ZONE report_zone(), ' YYYY-MM-DD') END AS session,
  j.resource_type, j.resource_id, j.resource_name, j.dataset_id, j.dataset_name, j.bytes, j.complete, c.counted_as
FROM judged_uses j CROSS JOIN LATERAL (SELECT CASE
    WHEN j.out_as IS NOT NULL THEN j.out_as
    WHEN j.viewer_key IS NOT NULL AND EXISTS (
      SELECT FROM judged_uses p
      WHERE p.event = j.event AND p.resource_id = j.resource_id
        AND p.created_at >= j.created_at AND p.created_at <= j.created_at + interval '30 seconds'
        AND (p.created_at, p.event_id) > (j.created_at, j.event_id)
        AND p.viewer_key = j.viewer_key AND p.out_as IS NULL) THEN 'repeated'
    WHEN j.event = 'view.download' AND NOT j.complete THEN 'incomplete'
    ELSE 'counted'
  END AS counted_as OFFSET 0) c;
COMMENT ON VIEW uses IS 'One row a view or download; counted_as says whether it counts, and if not, why. An incomplete download is a look at its dataset';

CREATE OR REPLACE VIEW downloads AS
SELECT created_at, day, month, event_id, clowder_instance, client_kind, user_id, user_name, viewer, resource_type, resource_id, resource_name,
  dataset_id, bytes, counted_as, client, session
FROM uses WHERE event = 'view.download';

CREATE OR REPLACE VIEW views AS
SELECT created_at, day, month, event_id, clowder_instance, client_kind, user_id, user_name, viewer, resource_type, resource_id, resource_name,
  dataset_id, counted_as,
  counted_as = 'counted' AND row_number() OVER (
    PARTITION BY counted_as, resource_type, resource_id, session ORDER BY created_at, event_id) = 1 AS new_visit,
  client, session
FROM uses WHERE event = 'view.resource';
COMMENT ON VIEW views IS 'One row a view of a page; repeated: the same viewer has it again within 30 seconds; new_visit: the first of its session';

CREATE OR REPLACE VIEW downloads_per_month AS
SELECT month, resource_type, resource_id, ${LATEST('resource_name')} AS resource_name,
  count(*) FILTER (WHERE counted_as = 'counted') AS downloads,
  count(DISTINCT viewer) FILTER (WHERE counted_as = 'counted') AS downloaders,
  ${whole("sum(bytes) FILTER (WHERE counted_as IN ('counted', 'incomplete'))")} AS bytes,
  ${sums(['repeated', 'repeated'], ['untracked', 'untracked', 'preview'], ['incomplete', 'incomplete'], ['by_extractors', 'extractor'], ['by_bots', 'bot', 'ai_agent'], ['by_tools', 'tool'], ['excluded', ...EXCLUDED])}
FROM downloads GROUP BY month, resource_type, resource_id;

${['day', 'month']
  .map(
    (period) => `
CREATE OR REPLACE VIEW views_per_${period} AS
SELECT ${period}, resource_type, resource_id, ${LATEST('resource_name')} AS resource_name,
  count(*) FILTER (WHERE counted_as = 'counted') AS views,
  count(*) FILTER (WHERE new_visit) AS visits,
  count(DISTINCT viewer) FILTER (WHERE counted_as = 'counted') AS viewers,
  ${sums(['repeated', 'repeated'], ['by_extractors', 'extractor'], ['by_bots', 'bot', 'ai_agent'], ['untracked', 'untracked', 'preview'], ['by_tools', 'tool'], ['excluded', ...EXCLUDED])}
FROM views GROUP BY ${period}, resource_type, resource_id;`,
  )
  .join('\n')}

CREATE OR REPLACE VIEW resource_usage AS
SELECT resource_type, resource_id, ${LATEST('resource_name')} AS resource_name,
  count(*) FILTER (WHERE event = 'view.resource') AS views,
  count(*) FILTER (WHERE event = 'view.download' AND counted_as = 'counted') AS downloads,
  ${whole("sum(bytes) FILTER (WHERE event = 'view.download')")} AS bytes_downloaded,
  max(created_at) AS last_used
FROM uses WHERE counted_as IN ('counted', 'incomplete') GROUP BY resource_type, resource_id;

CREATE VIEW dataset_usage_per_month AS
SELECT month, dataset_id, ${LATEST("CASE WHEN resource_type = 'dataset' THEN resource_name ELSE dataset_name END")} AS dataset_name,
  count(*) AS investigations, count(DISTINCT session) AS unique_investigations,
  count(*) FILTER (WHERE event = 'view.download' AND complete) AS requests,
  count(DISTINCT session) FILTER (WHERE event = 'view.download' AND complete) AS unique_requests,
  ${whole("sum(bytes) FILTER (WHERE event = 'view.download')")} AS bytes,
  count(DISTINCT viewer) AS visitors
FROM uses WHERE counted_as IN ('counted', 'incomplete') AND dataset_id IS NOT NULL GROUP BY month, dataset_id;
COMMENT ON VIEW dataset_usage_per_month IS 'One row a month and dataset, what its files have included: looks are investigations, downloads are requests and investigations';

CREATE OR REPLACE VIEW usage_per_month AS
SELECT month,
  coalesce(sum(n) FILTER (WHERE what = 'file.uploaded'), 0)::bigint AS files_uploaded,
  ${whole("sum(bytes) FILTER (WHERE what = 'file.uploaded')")} AS bytes_uploaded,
  coalesce(sum(n) FILTER (WHERE what = 'downloads'), 0)::bigint AS downloads,
  ${whole("sum(bytes) FILTER (WHERE what = 'downloads')")} AS bytes_downloaded,
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
  SELECT month, 'downloads', count(*) FILTER (WHERE counted_as = 'counted'), sum(bytes)
  FROM downloads WHERE counted_as IN ('counted', 'incomplete') GROUP BY month
  UNION ALL
  SELECT month, 'views', count(*), NULL FROM views WHERE counted_as = 'counted' GROUP BY month
  UNION ALL
  SELECT month, 'active users', active_users, NULL FROM active_users_per_month
) parts GROUP BY month;
`;
