import { FEWEST_WEEKS, sumOf, WEEK_HOURS, WEEKS, type Hours } from './hours.ts';

/** A series to watch: an event type, a source, or all events. */
export interface Series {
  readonly kind: 'type' | 'source' | 'all';
  readonly name: string;
  readonly hours: Hours;
}

/** A series without events when some were expected. */
export interface Stopped {
  readonly kind: Series['kind'];
  readonly name: string;
  /** Whole hours without events. */
  readonly hours: number;
  /** Average in the same hours of earlier weeks, adjusted to the rest of the traffic. */
  readonly expected: number;
}

const LONGEST_HOURS = 24;
/** If 15 independent events are expected, the chance that none comes is one in three million: e^-15. */
const ENOUGH = 15;

/**
 * The series that have stopped: without events in the latest hours, although the same hours of earlier weeks had some.
 *
 * Few events say nothing, so the window grows from one hour to a day, until 15 events are expected. What differs from week to
 * week comes in bursts, and a burst counts as one event. The expected number shrinks with the rest of the traffic, so that a
 * holiday raises no alarm. Hours at night are compared with those of other nights.
 *
 * @param endHour the first hour that is not over
 * @param firstHour the hour of the first event: weeks before it say nothing
 */
export function stoppedOf(series: readonly Series[], endHour: number, firstHour: number): readonly Stopped[] {
  return series.flatMap((one) => {
    const rest = series.filter(({ kind, name }) => kind === one.kind && name !== one.name);
    for (let hours = 1; hours <= LONGEST_HOURS; hours += 1) {
      const window = { endHour, hours, firstHour };
      if (sumOf(one.hours, endHour - hours, endHour) > 0) return [];
      const expected = expectedOf([one], window) * shareLeft(rest, window);
      if (expected / burstOf(one, window) >= ENOUGH) return [{ kind: one.kind, name: one.name, hours, expected }];
    }
    return [];
  });
}

interface Window {
  readonly endHour: number;
  readonly hours: number;
  readonly firstHour: number;
}

/** Numbers of events in the same hours of each earlier week; empty if there are too few weeks. */
function weeksOf(series: readonly Series[], { endHour, hours, firstHour }: Window): readonly number[] {
  const weeks: number[] = [];
  for (let week = 1; week <= WEEKS; week += 1) {
    const end = endHour - week * WEEK_HOURS;
    if (end - hours < firstHour) break;
    weeks.push(series.reduce((sum, one) => sum + sumOf(one.hours, end - hours, end), 0));
  }
  return weeks.length < FEWEST_WEEKS ? [] : weeks;
}

const meanOf = (counts: readonly number[]): number =>
  counts.length === 0 ? 0 : counts.reduce((sum, count) => sum + count, 0) / counts.length;
const expectedOf = (series: readonly Series[], window: Window): number => meanOf(weeksOf(series, window));

/** How many events come together, judged by the weeks' differences: variance by mean, at least 1. */
function burstOf(series: Series, window: Window): number {
  const weeks = weeksOf([series], window);
  const mean = meanOf(weeks);
  if (mean === 0) return 1;
  const variance = weeks.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (weeks.length - 1);
  return Math.max(1, variance / mean);
}

/** The rest of the traffic, as a share of earlier weeks'; at most 1, and 1 if there is no rest. */
function shareLeft(rest: readonly Series[], window: Window): number {
  const usual = expectedOf(rest, window);
  if (usual === 0) return 1;
  const { endHour, hours } = window;
  const now = rest.reduce((sum, one) => sum + sumOf(one.hours, endHour - hours, endHour), 0);
  return Math.min(1, now / usual);
}
