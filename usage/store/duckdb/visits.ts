import type { Period } from '../../rules/dialect.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import type { Engine } from '../engine.ts';
import { isIn, periodOf, runsOf } from './days.ts';

/**
 * Visitors of years are millions, and to tell them apart takes a second. So each counted look knows when the same visitor
 * looked before, `prev_visit_ms`: visitors of a period are the looks in it before which there is none in it. That is worked
 * out once a day is over: until then, `open_days` has it, and its visitors are told apart by the question.
 */
const LOOK = "r51_reason = 'counted' AND event IN ('view.resource', 'view.download')";

export const VISIT_TABLES = ['CREATE TABLE open_days (day BIGINT PRIMARY KEY)'];

/** Before the facts of a period are worked out anew. */
export const reopenSql = (period: Period): readonly string[] => [
  'CREATE TEMPORARY TABLE IF NOT EXISTS touched (visitor UBIGINT)',
  `INSERT INTO touched SELECT DISTINCT visitor FROM facts WHERE ${isIn(period)} AND ${LOOK}`,
  `INSERT INTO open_days SELECT day FROM range(${period.fromMs / DAY_MS}, ${period.toMs / DAY_MS}) days(day) ON CONFLICT DO NOTHING`,
];

/** Links the visits of the days that are over: of all but the last of which there are facts. */
export async function closeDays(within: Engine): Promise<void> {
  const over = await within.query<{ day: number }>(
    `SELECT day FROM open_days WHERE day < (SELECT max(created) // ${DAY_MS} FROM facts) ORDER BY day`,
  );
  for (const run of runsOf(over.map(({ day }) => day))) await within.run(...linkSql(periodOf(run)));
  await within.run('DELETE FROM touched');
}

/** Of a period, and of what its visitors did next after it. */
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

/** What was before is gone: nobody has looked then. */
export const forgetVisitsSql = (beforeMs: number): string =>
  `UPDATE facts SET prev_visit_ms = NULL WHERE prev_visit_ms < ${beforeMs}`;

/** Visitors in the period of a relation of verdicts, all of them: `n`. */
export const visitorsSql = {
  /** When the first day begins that is not over. */
  openSince: `SELECT coalesce(min(day) * ${DAY_MS}, ${Number.MAX_SAFE_INTEGER}) AS ms FROM open_days`,
  count(relation: string, fromMs: number, openSinceMs: number): string {
    const looks = (when: string): string => `FROM ${relation} v WHERE ${LOOK} AND created ${when} ${openSinceMs}`;
    return `SELECT (SELECT count(*) ${looks('<')} AND (prev_visit_ms IS NULL OR prev_visit_ms < ${fromMs}))
+ (SELECT count(DISTINCT visitor) ${looks('>=')})
- (SELECT count(DISTINCT visitor) ${looks('<')} AND visitor IN (SELECT visitor ${looks('>=')})) AS n`;
  },
};
