/** The four metrics of both Codes. Requests are investigations too; unique means once per dataset and session. */
export const COUNTER_METRICS = [
  'total_investigations',
  'unique_investigations',
  'total_requests',
  'unique_requests',
] as const;
export type CounterMetric = (typeof COUNTER_METRICS)[number];

/** Each metric over counted facts, as SQL. More facts never lower a metric, and a unique never exceeds its total. */
export const METRIC_SQL = {
  total_investigations: 'count(*) FILTER (WHERE item)',
  unique_investigations: 'count(DISTINCT (item_key, session)) FILTER (WHERE item)',
  total_requests: 'count(*) FILTER (WHERE request)',
  unique_requests: 'count(DISTINCT (item_key, session)) FILTER (WHERE request)',
} as const satisfies Record<CounterMetric, string>;

/** Facts that reports include. */
const REPORTED = "reason = 'counted' AND access <> 'out'";

/**
 * The four metrics of a report, one row per group; groups without any facts are left out.
 *
 * @param verdicts a relation with the columns of `verdict.ts`
 * @param by columns or expressions by name
 */
export function counterSql(verdicts: string, by: Readonly<Record<string, string>>): string {
  const groups = Object.entries(by).map(([name, expression]) => `${expression} AS ${name}`);
  const metrics = COUNTER_METRICS.map((metric) => `${METRIC_SQL[metric]} AS ${metric}`);
  const places = groups.map((_, index) => index + 1);
  return `SELECT ${[...groups, ...metrics].join(', ')} FROM ${verdicts} v WHERE ${REPORTED} AND item${
    places.length === 0 ? '' : ` GROUP BY ${places.join(', ')} ORDER BY ${places.join(', ')}`
  }`;
}
