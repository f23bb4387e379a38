import type { Period } from '../../rules/dialect.ts';
import { DAY_MS } from '../../rules/time-zone.ts';

/** Consecutive days in UTC, by their number since 1970. */
export interface Run {
  readonly first: number;
  readonly last: number;
}

/** Groups days into runs of consecutive ones. */
export function runsOf(days: readonly number[]): readonly Run[] {
  const runs: { first: number; last: number }[] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === day) run.last = day;
    else runs.push({ first: day, last: day });
  }
  return runs;
}

export const periodOf = ({ first, last }: Run): Period => ({ fromMs: first * DAY_MS, toMs: (last + 1) * DAY_MS });

/** Condition: a fact or event is in a period. */
export const isIn = ({ fromMs, toMs }: Period): string => `created >= ${fromMs} AND created < ${toMs}`;
