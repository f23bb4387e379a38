import { hash } from 'node:crypto';
import { literal, type Period } from '../../rules/dialect.ts';
import { DOUBLE_CLICK_MS, factsSql } from '../../rules/facts.ts';
import type { Policy } from '../../rules/policy.ts';
import { PLACEMENTS } from '../derived.ts';
import type { Engine } from '../engine.ts';
import { freshPlaces } from './derive.ts';
import type { OnProgress } from '../usage-store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Days of UTC that are worked out at once: what that takes in memory stays small. */
const DAYS_AT_ONCE = 31;
const NOTHING = { fromMs: 0, toMs: 0 } as const;

/**
 * The facts, kept: they are worked out once for each day of UTC, and again for days of which something else is known. A
 * day is stale until then. Where they were worked out by other rules than these, all are.
 */
export async function prepareFacts(engine: Engine, policy: Policy): Promise<void> {
  const rules = literal(hash('sha256', factsSql(engine.dialect, NOTHING, policy), 'hex'));
  const [kept] = await engine.query("SELECT value FROM meta WHERE name = 'fact rules'");
  const [table] = await engine.query("SELECT count(*) AS n FROM information_schema.tables WHERE table_name = 'facts'");
  if (table?.['n'] !== 0 && kept !== undefined && literal(String(kept['value'])) === rules) return;
  await engine.inTransaction(async (within) => {
    await within.run(
      'DROP TABLE IF EXISTS facts',
      'DROP TABLE IF EXISTS stale_days',
      `CREATE TABLE facts AS SELECT * FROM (${factsSql(engine.dialect, NOTHING, policy)}) f WHERE FALSE`,
      'CREATE TABLE stale_days (day BIGINT PRIMARY KEY)',
      `INSERT OR REPLACE INTO meta VALUES ('fact rules', ${rules})`,
    );
    await markAllStale(within);
  });
}

/**
 * Events came: their days are stale, and the day before where they may follow one of it within 30 s. So are the days of
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

/** Nothing that was worked out is right any more. */
export async function markAllStale(within: Engine): Promise<void> {
  const day = within.dialect.quotient('created', DAY_MS);
  await within.run(insertDays(`SELECT ${day} FROM events UNION SELECT ${day} FROM facts`));
}

/** Works out what is stale. */
export async function refreshFacts(engine: Engine, policy: Policy, onProgress?: OnProgress): Promise<void> {
  const total = onProgress === undefined ? 0 : await staleEvents(engine);
  for (;;) {
    const stale = await engine.query<{ day: number }>('SELECT day FROM stale_days ORDER BY day LIMIT 1');
    const first = stale[0]?.day;
    if (first === undefined) return;
    await engine.inTransaction(async (within) => {
      const days = await within.query<{ day: number }>(
        `SELECT day FROM stale_days WHERE day >= ${first} AND day < ${first + DAYS_AT_ONCE} ORDER BY day`,
      );
      for (const run of runsOf(days.map(({ day }) => day))) {
        const period = { fromMs: run.first * DAY_MS, toMs: (run.last + 1) * DAY_MS };
        const inside = isIn(period);
        await within.run(
          `DELETE FROM facts WHERE ${inside}`,
          `INSERT INTO facts SELECT * FROM (${factsSql(within.dialect, period, policy)}) f WHERE ${inside}`,
          `DELETE FROM stale_days WHERE day >= ${run.first} AND day <= ${run.last}`,
        );
      }
    });
    if (onProgress !== undefined) onProgress(total - (await staleEvents(engine)), total);
  }
}

async function staleEvents(engine: Engine): Promise<number> {
  const day = engine.dialect.quotient('created', DAY_MS);
  const [row] = await engine.query<{ n: number }>(
    `SELECT count(*) AS n FROM events WHERE ${day} IN (SELECT day FROM stale_days)`,
  );
  return row?.n ?? 0;
}

const isIn = ({ fromMs, toMs }: Period): string => `created >= ${fromMs} AND created < ${toMs}`;

const insertDays = (select: string): string =>
  `INSERT INTO stale_days SELECT DISTINCT * FROM (${select}) days ON CONFLICT DO NOTHING`;

/** Days that follow one another, as one. */
function runsOf(days: readonly number[]): { first: number; last: number }[] {
  const runs: { first: number; last: number }[] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === day) run.last = day;
    else runs.push({ first: day, last: day });
  }
  return runs;
}
