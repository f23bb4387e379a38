import type { Period } from '../../rules/dialect.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import type { Engine } from '../engine.ts';
import { isIn, periodOf, runsOf } from './days.ts';

/**
 * Years have millions of visitors, and distinguishing them takes a second. So each counted look has the time of the same
 * visitor's previous look, `prev_visit_ms`: a period's visitors are its looks without a previous one in the period. The times
 * are computed once a day is over. Until then, the day is in `open_days`, and questions distinguish its visitors.
 */
const LOOK = "r51_reason = 'counted' AND event IN ('view.resource', 'view.download')";

export const VISIT_TABLES = ['CREATE TABLE open_days (day BIGINT PRIMARY KEY)'];

/** Runs before the facts of a period are computed anew. */
export const reopenSql = (period: Period): readonly string[] => [
  'CREATE TEMPORARY TABLE IF NOT EXISTS touched (visitor UBIGINT)',
  `INSERT INTO touched SELECT DISTINCT visitor FROM facts WHERE ${isIn(period)} AND ${LOOK}`,
  `INSERT INTO open_days SELECT day FROM range(${period.fromMs / DAY_MS}, ${period.toMs / DAY_MS}) days(day) ON CONFLICT DO NOTHING`,
];

/** Links the visits of the days that are over: all except the last that has facts. */
export async function closeDays(within: Engine): Promise<void> {
  const over = await within.query<{ day: number }>(
    `SELECT day FROM open_days WHERE day < (SELECT max(created) // ${DAY_MS} FROM facts) ORDER BY day`,
  );
  for (const run of runsOf(over.map(({ day }) => day))) await within.run(...linkSql(periodOf(run)));
  await within.run('DELETE FROM touched');
}

/** Links a period, and its visitors' next visits after it. */
function linkSql(period: Period): readonly string[] {
  const { fromMs, toMs } = period;
  return [
    `INSERT INTO touched SELECT DISTINCT visitor FROM facts WHERE ${isIn(period)} AND ${LOOK}`,
    `CREATE OR REPLACE TEMPORARY TABLE seen AS
     SELECT visitor, max(created) FILTER (WHERE created < ${fromMs}) AS before_ms, max(created) AS until_ms
     FROM facts WHERE created < ${toMs} AND ${LOOK} AND visitor IN (SELECT visitor FROM touched) GROUP BY visitor`,
    `CREATE OR REPLACE TEMPORARY TABLE links AS
     SELECT f.event_id, coalesce(lag(f.created) OVER (PARTITION BY f.visitor ORDER BY f.created, f.event_id), s.before_ms) AS prev_ms
     FROM facts f LEFT JOIN seen s ON s.visitor = f.visitor WHERE ${isIn(period)} AND ${LOOK}
     UNION ALL
     SELECT n.event_id, s.until_ms FROM (
       SELECT visitor, event_id FROM facts WHERE created >= ${toMs} AND ${LOOK} AND visitor IN (SELECT visitor FROM touched)
       QUALIFY row_number() OVER (PARTITION BY visitor ORDER BY created, event_id) = 1
     ) n LEFT JOIN seen s ON s.visitor = n.visitor`,
    `UPDATE facts SET prev_visit_ms = l.prev_ms FROM links l
     WHERE facts.created >= ${fromMs} AND facts.event_id = l.event_id AND facts.prev_visit_ms IS DISTINCT FROM l.prev_ms`,
    `DELETE FROM open_days WHERE day >= ${fromMs / DAY_MS} AND day < ${toMs / DAY_MS}`,
    'DROP TABLE seen',
    'DROP TABLE links',
  ];
}

/** Everything before is deleted, so there is no previous look. */
export const forgetVisitsSql = (beforeMs: number): string =>
  `UPDATE facts SET prev_visit_ms = NULL WHERE prev_visit_ms < ${beforeMs}`;

/** Number of all visitors in a relation of verdicts: `n`. */
export const visitorsSql = {
  /** Start of the first day that is not over. */
  openSince: `SELECT coalesce(min(day) * ${DAY_MS}, ${Number.MAX_SAFE_INTEGER}) AS ms FROM open_days`,
  count(relation: string, fromMs: number, openSinceMs: number): string {
    const looks = (when: string): string => `FROM ${relation} v WHERE ${LOOK} AND created ${when} ${openSinceMs}`;
    return `SELECT (SELECT count(*) ${looks('<')} AND (prev_visit_ms IS NULL OR prev_visit_ms < ${fromMs}))
+ (SELECT count(DISTINCT visitor) ${looks('>=')})
- (SELECT count(DISTINCT visitor) ${looks('<')} AND visitor IN (SELECT visitor ${looks('>=')})) AS n`;
  },
};
