import type { Code } from '../rules/access.ts';
import { literals, type Dialect, type Period } from '../rules/dialect.ts';
import { typesOf } from '../rules/roles.ts';
import { localTime } from '../rules/verdict.ts';
import type { UsageStore } from '../store/usage-store.ts';

/** Sources of figures: facts (what people, programs and extractors did), jobs, or the monitor's readings. */
export type Source = 'facts' | 'jobs' | 'readings';

/** The newer Code. The other differs only in double clicks across the full hour by clients without user or session id. */
const CODE: Code = 'r51';

/** How long before or after the period a job may begin or end. */
const JOB_MS = 30 * 24 * 60 * 60 * 1000;

/** The source's rows in the period, as a relation with `local_ms`. */
export async function relationOf(source: Source, store: UsageStore, period: Period, zone: string): Promise<string> {
  if (source === 'facts') return store.verdicts({ period, zone, code: CODE });
  const { dialect } = store.engine;
  const local = localTime(zone, period);
  const within = (column: string): string => `${column} >= ${period.fromMs} AND ${column} < ${period.toMs}`;
  if (source === 'readings')
    return `(SELECT e.created, ${local('e.created')} AS local_ms, e.event, coalesce(e.component, e.target) AS component, e.healthy,
  e.response_time_ms FROM ${store.events(period)} e WHERE e.event IN (${literals(typesOf('reading'))}))`;
  return `(SELECT j.*, ${local('j.begun_ms')} AS local_ms FROM (${jobsSql(dialect, period)}) j WHERE ${within('j.begun_ms')})`;
}

/** One row per job, at the time it began; an event without a job id is a job of its own. */
function jobsSql(dialect: Dialect, { fromMs, toMs }: Period): string {
  const events = dialect.jobEvents({ fromMs: fromMs - JOB_MS, toMs: toMs + JOB_MS });
  return `
SELECT job, max(extractor_name) AS extractor_name, max(resource_id) AS resource_id, max(resource_type) AS resource_type,
  max(dataset_id) AS dataset_id, min(created) AS begun_ms,
  CASE WHEN bool_or(event = 'extraction.done') THEN 'done' WHEN bool_or(event = 'extraction.failed') THEN 'failed' ELSE 'open' END AS outcome,
  min(created) FILTER (WHERE event = 'extraction.working') - min(created) FILTER (WHERE event = 'extraction.queued') AS wait_ms,
  coalesce(max(duration_ms), max(created) FILTER (WHERE event IN ('extraction.done', 'extraction.failed'))
    - min(created) FILTER (WHERE event = 'extraction.working')) AS run_ms
FROM (
  SELECT e.*, CASE
    WHEN e.job_id IS NULL THEN 'e ' || e.event_id
    WHEN ${dialect.matches('lower(e.job_id)', CLOWDER_ID)} THEN 'j ' || lower(e.job_id)
    ELSE 'o ' || e.job_id || ' ' || coalesce(e.extractor_name, '') || ' ' || coalesce(e.resource_id, '')
  END AS job
  FROM ${events} e
) of_job GROUP BY job`;
}

/** Clowder's own ids are unique; a reporter's own number identifies a job only together with its subject. */
const CLOWDER_ID = '^([0-9a-f]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$';
