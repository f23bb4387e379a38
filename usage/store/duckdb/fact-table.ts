import { hash } from 'node:crypto';
import { AGENT_CLASSES } from '../../rules/agents.ts';
import { BEHAVIOURS } from '../../rules/behaviour.ts';
import { literal, literals, type Dialect, type Period } from '../../rules/dialect.ts';
import { DOUBLE_CLICK_MS, FACT_TYPES, factsSql, KEYED } from '../../rules/facts.ts';
import type { Policy } from '../../rules/policy.ts';
import { REASONS } from '../../rules/reasons.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import { PLACEMENTS } from '../derived.ts';
import type { Engine } from '../engine.ts';
import { freshPlaces } from './derive.ts';
import type { OnProgress } from '../usage-store.ts';
import { daySumsTableSql, sumDaysSql } from './day-sums.ts';
import { isIn, periodOf, runsOf } from './days.ts';
import { closeDays, LINKS, reopenSql } from './visits.ts';

/** Most days in UTC, and most events except within a single day, that are computed at once: this bounds memory. */
const DAYS_AT_ONCE = 31;
const EVENTS_AT_ONCE = 250_000;
const NOTHING = { fromMs: 0, toMs: 0 } as const;

/** Columns with few, known values: a byte each, and quick to compare. */
const CHOICES = {
  event: FACT_TYPES,
  client: AGENT_CLASSES,
  behaviour: Object.keys(BEHAVIOURS),
  r51_reason: Object.keys(REASONS),
} as const satisfies Readonly<Record<string, readonly string[]>>;

/**
 * The empty table of facts: the columns of `factsSql`, and numbers for the words that statistics are split by. Figures over
 * years cover millions of facts, and numbers compare faster than texts.
 */
const tableSql = (dialect: Dialect, policy: Policy): string => `
SELECT f.* REPLACE (${Object.entries(CHOICES)
  .map(([name, values]) => `CAST(f.${name} AS ENUM(${literals(values)})) AS ${name}`)
  .join(', ')}), ${KEYED.map((name) => `NULL::INTEGER AS ${name}_key`).join(', ')},
  ${LINKS.map((name) => `NULL::BIGINT AS ${name}`).join(', ')}
FROM (${factsSql(dialect, NOTHING, policy)}) f WHERE FALSE`;

/**
 * Prepares the stored facts. Facts are computed once per day in UTC, and again if something new is known about the day, which
 * is stale until then. If other rules computed them, all are computed again.
 */
export async function prepareFacts(engine: Engine, policy: Policy): Promise<void> {
  const sql = tableSql(engine.dialect, policy);
  const sumsTable = daySumsTableSql(engine);
  const rules = literal(hash('sha256', sql + sumsTable, 'hex'));
  const [kept] = await engine.query("SELECT value FROM meta WHERE name = 'fact rules'");
  const [table] = await engine.query("SELECT count(*) AS n FROM information_schema.tables WHERE table_name = 'facts'");
  if (table?.['n'] !== 0 && kept !== undefined && literal(String(kept['value'])) === rules) return;
  await engine.inTransaction(async (within) => {
    await within.run(
      'DROP TABLE IF EXISTS facts',
      'DROP TABLE IF EXISTS day_sums',
      'DROP TABLE IF EXISTS stale_days',
      'DELETE FROM words',
      'DELETE FROM open_days',
      `CREATE TABLE facts AS ${sql}`,
      sumsTable,
      'CREATE TABLE stale_days (day BIGINT PRIMARY KEY)',
      `INSERT OR REPLACE INTO meta VALUES ('fact rules', ${rules})`,
    );
    await markAllStale(within);
  });
}

/**
 * Marks the days of new events as stale, and the day before if they may follow one of its events within 30 s; also the days of
 * what they place.
 *
 * @param relation the new events
 */
export async function markStale(within: Engine, relation: string): Promise<void> {
  const day = (ms: string): string => within.dialect.quotient(ms, DAY_MS);
  await within.run(
    insertDays(
      `SELECT ${day('created')} FROM ${relation} UNION SELECT ${day(`created - ${DOUBLE_CLICK_MS}`)} FROM ${relation}`,
    ),
  );
  for (const placement of PLACEMENTS) {
    const places = freshPlaces(placement);
    const [some] = await within.query(`SELECT count(*) AS n FROM ${places}`);
    if (some?.['n'] === 0) continue;
    const { what, concerns } = placement;
    await within.run(
      insertDays(`SELECT ${day('f.created')} FROM facts f JOIN ${places} s ON s.${what} = f.${what} WHERE ${concerns}`),
    );
  }
}

/** Nothing computed so far is valid any more. */
export async function markAllStale(within: Engine): Promise<void> {
  const day = within.dialect.quotient('created', DAY_MS);
  await within.run(insertDays(`SELECT ${day} FROM events UNION SELECT ${day} FROM facts`));
}

/** Computes the stale days. */
export async function refreshFacts(engine: Engine, policy: Policy, onProgress?: OnProgress): Promise<void> {
  const total = onProgress === undefined ? 0 : await staleEvents(engine);
  for (;;) {
    const stale = await engine.query<{ day: number }>('SELECT day FROM stale_days ORDER BY day LIMIT 1');
    const first = stale[0]?.day;
    if (first === undefined) return;
    await engine.inTransaction(async (within) => {
      for (const run of runsOf(await nextDays(within, first))) {
        const period = periodOf(run);
        await within.run(
          ...reopenSql(period),
          `DELETE FROM facts WHERE ${isIn(period)}`,
          ...workOutSql(within.dialect, period, policy),
          ...sumDaysSql(within, run),
          `DELETE FROM stale_days WHERE day >= ${run.first} AND day <= ${run.last}`,
        );
      }
      await closeDays(within);
    });
    if (onProgress !== undefined) onProgress(total - (await staleEvents(engine)), total);
  }
}

/** Stale days from the first on, as many as are computed at once. */
async function nextDays(within: Engine, first: number): Promise<readonly number[]> {
  const rows = await within.query<{ day: number; n: number }>(`
SELECT s.day AS day, count(e.created) AS n
FROM stale_days s LEFT JOIN (
  SELECT created, ${within.dialect.quotient('created', DAY_MS)} AS day FROM events
  WHERE created >= ${first * DAY_MS} AND created < ${(first + DAYS_AT_ONCE) * DAY_MS}
) e ON e.day = s.day
WHERE s.day >= ${first} AND s.day < ${first + DAYS_AT_ONCE} GROUP BY s.day ORDER BY s.day`);
  let events = 0;
  const enough = rows.findIndex(({ n }) => (events += n) > EVENTS_AT_ONCE);
  return rows.slice(0, enough === -1 ? undefined : Math.max(1, enough)).map(({ day }) => day);
}

/** Statements that store the facts of a period and their new words. */
function workOutSql(dialect: Dialect, period: Period, policy: Policy): readonly string[] {
  const words = KEYED.map((name) => `SELECT ${name} AS word FROM fresh_facts`).join(' UNION ');
  const keys = KEYED.map((name, index) => `w${index}.id AS ${name}_key`);
  const joins = KEYED.map((name, index) => `LEFT JOIN fresh_words w${index} ON w${index}.word = f.${name}`);
  return [
    `CREATE OR REPLACE TEMPORARY TABLE fresh_facts AS SELECT * FROM (${factsSql(dialect, period, policy)}) f WHERE ${isIn(period)}`,
    `CREATE OR REPLACE TEMPORARY TABLE fresh_words AS
     SELECT w.id AS id, u.word AS word FROM (${words}) u LEFT JOIN words w ON w.word = u.word WHERE u.word IS NOT NULL`,
    `INSERT INTO words SELECT (SELECT coalesce(max(id), 0) FROM words) + row_number() OVER (), word FROM fresh_words WHERE id IS NULL`,
    `UPDATE fresh_words SET id = w.id FROM words w WHERE fresh_words.id IS NULL AND w.word = fresh_words.word`,
    `INSERT INTO facts SELECT f.*, ${[...keys, ...LINKS.map(() => 'NULL')].join(', ')} FROM fresh_facts f ${joins.join(' ')} ORDER BY f.created`,
    'DROP TABLE fresh_facts',
  ];
}

/** Deletes words that no fact uses. */
export const dropWordsSql = (): string =>
  `DELETE FROM words WHERE id NOT IN (${KEYED.map((name) => `SELECT ${name}_key FROM facts WHERE ${name}_key IS NOT NULL`).join(' UNION ')})`;

async function staleEvents(engine: Engine): Promise<number> {
  const day = engine.dialect.quotient('created', DAY_MS);
  const [row] = await engine.query<{ n: number }>(
    `SELECT count(*) AS n FROM events WHERE ${day} IN (SELECT day FROM stale_days)`,
  );
  return row?.n ?? 0;
}

const insertDays = (select: string): string =>
  `INSERT INTO stale_days SELECT DISTINCT * FROM (${select}) days ON CONFLICT DO NOTHING`;
