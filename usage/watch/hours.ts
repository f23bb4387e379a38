/** How many events were created in each hour: hours since 1970, UTC. */
export type Hours = ReadonlyMap<number, number>;

export const WEEK_HOURS = 7 * 24;
/** How many earlier weeks are compared; at least two, because one may have a holiday. */
export const WEEKS = 4;
export const FEWEST_WEEKS = 2;

/** The sum from one hour until before another. */
export function sumOf(hours: Hours, from: number, to: number): number {
  let sum = 0;
  for (let hour = from; hour < to; hour += 1) sum += hours.get(hour) ?? 0;
  return sum;
}
