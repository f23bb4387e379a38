import { literal, type Period } from '../../rules/dialect.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import type { Engine } from '../engine.ts';
import { isIn, periodOf, runsOf } from './days.ts';

/**
 * Years have millions of visitors, and distinguishing them takes a second. So each counted look has the time of the same
 * visitor's previous look, `prev_visit_ms`, and of the previous one with a client of the same class, `prev_client_ms`: a
 * period's visitors are its looks without a previous one in the period. The times are computed once a day is over. Until
 * then, the day is in `open_days`, and questions distinguish its visitors.
 */
const LOOK = "r51_reason = 'counted' AND event IN ('view.resource', 'view.download')";
/** Stands for no previous look. What is not a counted look, or is of an open day, has NULL. */
const NEVER = -1;
export const LINKS = ['prev_visit_ms', 'prev_client_ms'] as const;

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
  const before = (keys: string): string => `OVER (PARTITION BY ${keys} ORDER BY f.created, f.event_id)`;
  return [
    `INSERT INTO touched SELECT DISTINCT visitor FROM facts WHERE ${isIn(period)} AND ${LOOK}`,
    `CREATE OR REPLACE TEMPORARY TABLE seen_clients AS
     SELECT visitor, client, max(created) FILTER (WHERE created < ${fromMs}) AS before_ms, max(created) AS until_ms
     FROM facts WHERE created < ${toMs} AND ${LOOK} AND visitor IN (SELECT visitor FROM touched) GROUP BY visitor, client`,
    `CREATE OR REPLACE TEMPORARY TABLE seen AS
     SELECT visitor, max(before_ms) AS before_ms, max(until_ms) AS until_ms FROM seen_clients GROUP BY visitor`,
    `CREATE OR REPLACE TEMPORARY TABLE links AS
     SELECT f.event_id, coalesce(lag(f.created) ${before('f.visitor')}, s.before_ms, ${NEVER}) AS visit_ms,
       coalesce(lag(f.created) ${before('f.visitor, f.client')}, c.before_ms, ${NEVER}) AS client_ms
     FROM facts f LEFT JOIN seen s ON s.visitor = f.visitor LEFT JOIN seen_clients c ON c.visitor = f.visitor AND c.client = f.client
     WHERE ${isIn(period)} AND ${LOOK}
     UNION ALL
     SELECT n.event_id, CASE WHEN n.nth = 1 THEN coalesce(s.until_ms, ${NEVER}) ELSE n.prev_visit_ms END,
       CASE WHEN n.nth_of_client = 1 THEN coalesce(c.until_ms, ${NEVER}) ELSE n.prev_client_ms END
     FROM (
       SELECT f.*, row_number() ${before('f.visitor')} AS nth, row_number() ${before('f.visitor, f.client')} AS nth_of_client
       FROM facts f WHERE f.created >= ${toMs} AND ${LOOK} AND f.visitor IN (SELECT visitor FROM touched)
       QUALIFY nth = 1 OR nth_of_client = 1
     ) n LEFT JOIN seen s ON s.visitor = n.visitor LEFT JOIN seen_clients c ON c.visitor = n.visitor AND c.client = n.client`,
    `UPDATE facts SET prev_visit_ms = l.visit_ms, prev_client_ms = l.client_ms FROM links l
     WHERE facts.created >= ${fromMs} AND facts.event_id = l.event_id
       AND (facts.prev_visit_ms IS DISTINCT FROM l.visit_ms OR facts.prev_client_ms IS DISTINCT FROM l.client_ms)`,
    `DELETE FROM open_days WHERE day >= ${fromMs / DAY_MS} AND day < ${toMs / DAY_MS}`,
    'DROP TABLE seen',
    'DROP TABLE seen_clients',
    'DROP TABLE links',
  ];
}

/** Everything before is deleted, so there is no previous look. */
export const forgetVisitsSql = (beforeMs: number): readonly string[] =>
  LINKS.map((link) => `UPDATE facts SET ${link} = ${NEVER} WHERE ${link} > ${NEVER} AND ${link} < ${beforeMs}`);

/** Number of visitors in a relation of verdicts, of one class of clients or of all: `n`. */
export const visitorsSql = {
  /** Start of the first day that is not over. */
  openSince: `SELECT coalesce(min(day) * ${DAY_MS}, ${Number.MAX_SAFE_INTEGER}) AS ms FROM open_days`,
  count(relation: string, fromMs: number, openSinceMs: number, client?: string): string {
    const link = client === undefined ? 'prev_visit_ms' : 'prev_client_ms';
    const looks = (what: string): string =>
      `FROM ${relation} v WHERE ${what}${client === undefined ? '' : ` AND client = ${literal(client)}`}`;
    const open = looks(`${LOOK} AND created >= ${openSinceMs}`);
    const closed = `created < ${openSinceMs} AND ${link}`;
    return `SELECT (SELECT count(*) ${looks(`${closed} < ${fromMs}`)}) + (SELECT count(DISTINCT visitor) ${open})
- (SELECT count(DISTINCT visitor) ${looks(`${closed} IS NOT NULL AND visitor IN (SELECT visitor ${open})`)}) AS n`;
  },
};
