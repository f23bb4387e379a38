import { FEWEST_WEEKS, sumOf, WEEK_HOURS, WEEKS, type Hours } from './hours.ts';

/** A part of events, such as robots' among all looks. */
export interface Part {
  readonly name: 'bots' | 'unattributed';
  readonly part: Hours;
  readonly whole: Hours;
}

/** A part that is much larger than before. */
export interface Jumped {
  readonly name: Part['name'];
  /** Share on the last day, from 0 to 1. */
  readonly share: number;
  /** Share on the same days of earlier weeks. */
  readonly before: number;
}

const DAY_HOURS = 24;
/** Fewer events give no meaningful share. */
const FEWEST = 50;
/** A smaller step does not matter. */
const STEP = 0.2;
/** Standard errors by which the shares must differ. */
const ERRORS = 5;

/**
 * The shares that have jumped: over the last 24 hours, the share is at least 0.2 above that of each same day of earlier weeks,
 * and at least five standard errors above all of them together (two-proportion z-test).
 *
 * @param endHour the first hour that is not over
 */
export function jumpedOf(parts: readonly Part[], endHour: number): readonly Jumped[] {
  return parts.flatMap(({ name, part, whole }) => {
    const counted = (end: number): Counted => ({
      part: sumOf(part, end - DAY_HOURS, end),
      whole: sumOf(whole, end - DAY_HOURS, end),
    });
    const now = counted(endHour);
    const weeks = Array.from({ length: WEEKS }, (_, week) => counted(endHour - (week + 1) * WEEK_HOURS)).filter(
      (week) => week.whole >= FEWEST,
    );
    if (now.whole < FEWEST || weeks.length < FEWEST_WEEKS) return [];
    const before = weeks.reduce((sum, week) => ({ part: sum.part + week.part, whole: sum.whole + week.whole }));
    const isAbove = weeks.every((week) => shareOf(now) >= shareOf(week) + STEP);
    return isAbove && errorsBetween(now, before) >= ERRORS
      ? [{ name, share: shareOf(now), before: shareOf(before) }]
      : [];
  });
}

interface Counted {
  readonly part: number;
  readonly whole: number;
}

const shareOf = ({ part, whole }: Counted): number => part / whole;

function errorsBetween(one: Counted, other: Counted): number {
  const pooled = (one.part + other.part) / (one.whole + other.whole);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / one.whole + 1 / other.whole));
  return error === 0 ? 0 : (shareOf(one) - shareOf(other)) / error;
}
