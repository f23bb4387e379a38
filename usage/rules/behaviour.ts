import { literals, type Dialect } from './dialect.ts';
import type { BehaviourLimits } from './policy.ts';
import { typesOf } from './roles.ts';
import { DAY_MS } from './time-zone.ts';

/** What a user's day looks like. A flag removes nothing; `behaviour=ordinary` leaves flagged days out. */
export const BEHAVIOURS = {
  ordinary: 'As of a person',
  many_datasets: 'More different datasets in a day than USAGE_MANY_DATASETS',
  many_downloads: 'More downloads in a day than USAGE_MANY_DOWNLOADS',
  steady_rate: 'At least USAGE_STEADY_EVENTS views and downloads in a day, at steadier intervals than a person keeps',
} as const;

const LOOKS = literals(typesOf('view', 'download'));

/**
 * The flags by user and day, for those that have one: `user_key`, `day`, `behaviour`.
 *
 * Steady rate: the standard deviation of the pauses is at most a tenth of their mean, `n·Σg² ≤ 1.01·(Σg)²`, in whole numbers,
 * so that every engine gets the same result.
 *
 * @param judged a relation of whole days in UTC, with `user_key`, `created`, `event`, `dataset_id` and `out_reason`
 */
export function behaviourSql(
  dialect: Dialect,
  judged: string,
  { datasets, downloads, steady }: BehaviourLimits,
): string {
  const day = dialect.quotient('w.created', DAY_MS);
  const used = `w.out_reason IS NULL AND w.user_key IS NOT NULL AND w.event IN (${LOOKS})`;
  const fewest = Math.min(datasets, downloads, steady - 1);
  return `
SELECT user_key, day, behaviour FROM (
  SELECT user_key, day, CASE
      WHEN count(DISTINCT dataset_id) > ${datasets} THEN 'many_datasets'
      WHEN count(*) FILTER (WHERE event = 'view.download') > ${downloads} THEN 'many_downloads'
      WHEN count(*) >= ${steady} AND sum(gap) > 0 AND 100 * count(gap) * sum(gap * gap) <= 101 * sum(gap) * sum(gap) THEN 'steady_rate'
    END AS behaviour
  FROM (
    SELECT w.user_key, b.day, w.event, w.dataset_id,
      w.created - lag(w.created) OVER (PARTITION BY w.user_key, b.day ORDER BY w.created, w.event_id) AS gap
    FROM ${judged} w JOIN (
      SELECT w.user_key, ${day} AS day FROM ${judged} w WHERE ${used} GROUP BY 1, 2 HAVING count(*) > ${fewest}
    ) b ON b.user_key = w.user_key AND b.day = ${day}
    WHERE ${used}
  ) gaps GROUP BY user_key, day
) flags WHERE behaviour IS NOT NULL`;
}

/** The day for an event's flag: in UTC, because an event has one flag, whatever the question's time zone. */
export const behaviourDay = (dialect: Dialect, created: string): string => dialect.quotient(created, DAY_MS);
/** The whole days in UTC that a period touches. */
export const wholeDays = ({ fromMs, toMs }: { fromMs: number; toMs: number }): { fromMs: number; toMs: number } => ({
  fromMs: Math.floor(fromMs / DAY_MS) * DAY_MS,
  toMs: Math.ceil(toMs / DAY_MS) * DAY_MS,
});
