/** How many events of something were created in each hour: hours since 1970, UTC. */
export type Hours = ReadonlyMap<number, number>;

export const WEEK_HOURS = 7 * 24;
/** So many weeks before are compared with; at least two, as one may be a holiday. */
export const WEEKS = 4;
export const FEWEST_WEEKS = 2;

/** From the first hour on, until before the other. */
export function sumOf(hours: Hours, from: number, to: number): number {
  let sum = 0;
  for (let hour = from; hour < to; hour += 1) sum += hours.get(hour) ?? 0;
  return sum;
}
