import type { Period } from '../../rules/dialect.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import { verdictSql } from '../../rules/verdict.ts';
import type { Engine } from '../engine.ts';
import type { Run } from './days.ts';

/**
 * Facts of years are millions, and most questions are about few values: what has these in common on a day of UTC is one
 * row, with how many facts it stands for and their bytes. Days are added up; visitors and sessions cannot be.
 */
const COLUMNS = [
  'event', 'complete', 'item', 'request', 'reason', 'client', 'behaviour', 'attribution', 'resource_type_key',
  'content_type_key', 'country_key',
]; // prettier-ignore

/** The sums of some days, from the facts. */
const sumsSql = ({ dialect }: Pick<Engine, 'dialect'>, { fromMs, toMs }: Period): string => `
SELECT created // ${DAY_MS} AS day, ${COLUMNS.join(', ')}, count(*) AS n, CAST(sum(bytes) AS BIGINT) AS bytes
FROM (${verdictSql(dialect, 'facts', { period: { fromMs, toMs }, zone: 'UTC', code: 'r51' })}) v GROUP BY ALL ORDER BY ALL`;

/** The table, without any; made when that of the facts is. */
export const daySumsTableSql = (engine: Pick<Engine, 'dialect'>): string =>
  `CREATE TABLE day_sums AS ${sumsSql(engine, { fromMs: 0, toMs: 0 })}`;

/** Sums days up anew whose facts are other ones now. */
export const sumDaysSql = (engine: Pick<Engine, 'dialect'>, { first, last }: Run): readonly string[] => [
  `DELETE FROM day_sums WHERE day >= ${first} AND day <= ${last}`,
  `INSERT INTO day_sums ${sumsSql(engine, { fromMs: first * DAY_MS, toMs: (last + 1) * DAY_MS })}`,
];

/** The facts before a time are gone. */
export const forgetDaySumsSql = (engine: Pick<Engine, 'dialect'>, beforeMs: number): readonly string[] => {
  const day = Math.floor(beforeMs / DAY_MS);
  return [`DELETE FROM day_sums WHERE day < ${day}`, ...sumDaysSql(engine, { first: day, last: day })];
};

export const daySums = {
  columns: COLUMNS,
  /** The whole days of a period from their sums, what lies before and after them from the facts. */
  relation(verdicts: string, { fromMs, toMs }: Period): string | undefined {
    const [first, end] = [Math.ceil(fromMs / DAY_MS), Math.floor(toMs / DAY_MS)];
    if (first >= end) return undefined;
    const facts = (when: string): string =>
      `SELECT ${COLUMNS.join(', ')}, local_ms, 1 AS n, bytes FROM ${verdicts} v WHERE ${when}`;
    const edges = [
      ...(fromMs < first * DAY_MS ? [facts(`created < ${first * DAY_MS}`)] : []),
      ...(toMs > end * DAY_MS ? [facts(`created >= ${end * DAY_MS}`)] : []),
    ];
    const days = `SELECT ${COLUMNS.join(', ')}, day * ${DAY_MS} AS local_ms, n, bytes FROM day_sums WHERE day >= ${first} AND day < ${end}`;
    return `(${[days, ...edges].join(' UNION ALL ')})`;
  },
};
