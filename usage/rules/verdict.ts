import { accessSql, isRepeat, reasonSql } from './facts.ts';
import type { Code } from './access.ts';
import { literals, type Dialect, type Period } from './dialect.ts';
import { typesOf } from './roles.ts';
import { DAY_MS, HOUR_MS, offsetsOf } from './time-zone.ts';

export interface VerdictOptions {
  readonly period: Period;
  /** Zone whose days and hours count. */
  readonly zone: string;
  readonly code: Code;
}

/**
 * The facts with everything that depends on the time zone and the Code.
 *
 * Further columns: `local_ms`, `reason` (of `REASONS`), `access` (of the Code), `item` (an investigation of a dataset),
 * `request` (the complete content itself), and `item_key` and `session`, which distinguish datasets and sessions.
 *
 * @param facts a relation with the columns of `factsSql`
 */
export function verdictSql(dialect: Dialect, facts: string, { period, zone, code }: VerdictOptions): string {
  const localMs = localTime(zone, period);
  const hour = (ms: string): string => dialect.quotient(ms, HOUR_MS);
  // Only the Code for Research Data splits sessions without user or session id by the hour, and their double clicks too.
  const repeat = `(${isRepeat('f')} AND NOT (f.by_client AND ${hour(localMs('f.created'))} <> ${hour(localMs('f.next_ms'))}))`;
  return `
SELECT f.*, ${accessSql(code)} AS access, ${localMs('f.created')} AS local_ms,
  ${code === 'r51' ? 'f.r51_reason' : reasonSql(code, repeat)} AS reason,
  (f.event IN (${literals(typesOf('view', 'download'))}) AND f.dataset_id IS NOT NULL) AS item,
  (f.event IN (${literals(typesOf('download'))}) AND f.dataset_id IS NOT NULL AND f.complete) AS request,
  ${dialect.keyed('f.dataset_id')} AS item_key,
  ${dialect.session('f.session_key', `CASE WHEN f.hourly THEN ${hour(localMs('f.created'))} ELSE -1 - ${dialect.quotient(localMs('f.created'), DAY_MS)} END`)} AS session
FROM ${facts} f
WHERE f.created >= ${period.fromMs} AND f.created < ${period.toMs}`;
}

/** Local time in milliseconds, for times in a period and shortly after it. */
export function localTime(zone: string, { fromMs, toMs }: Period): (ms: string) => string {
  const offsets = offsetsOf(zone, fromMs, toMs + HOUR_MS).toReversed();
  const first = offsets.at(-1)?.offsetMs ?? 0;
  if (offsets.length <= 1) return (ms) => (first === 0 ? ms : `(${ms} + ${first})`);
  const cases = (ms: string): string =>
    offsets
      .slice(0, -1)
      .map((offset) => `WHEN ${ms} >= ${offset.fromMs} THEN ${offset.offsetMs}`)
      .join(' ');
  return (ms) => `(${ms} + CASE ${cases(ms)} ELSE ${first} END)`;
}
