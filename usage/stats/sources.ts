import type { Code } from '../rules/access.ts';
import { literals, type Dialect, type Period } from '../rules/dialect.ts';
import { typesOf } from '../rules/roles.ts';
import { localTime } from '../rules/verdict.ts';
import type { UsageStore } from '../store/usage-store.ts';

/** What figures are of: facts (what people, programs and extractors did), jobs, or readings of the monitor. */
export type Source = 'facts' | 'jobs' | 'readings';

/** Figures follow the newer Code; the other differs in double clicks of mere clients over the full hour alone. */
const CODE: Code = 'r51';

/** A job may have begun, or end, so long before or after the period. */
const JOB_MS = 30 * 24 * 60 * 60 * 1000;

/** A relation of the source in the period, with `local_ms`. */
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

/** One row a job; an event without a job's id is a job of its own. It belongs to the time at which it began. */
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

/** Clowder's own ids name one job to everybody; a number of a reporter's own only with what it is about. */
const CLOWDER_ID = '^([0-9a-f]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$';
