import { FEWEST_WEEKS, sumOf, WEEK_HOURS, WEEKS, type Hours } from './hours.ts';

/** A part of events, such as robots among those who look. */
export interface Part {
  readonly name: 'bots' | 'unattributed';
  readonly part: Hours;
  readonly whole: Hours;
}

/** A part that is much larger than it was. */
export interface Jumped {
  readonly name: Part['name'];
  /** Of the last day, from 0 to 1. */
  readonly share: number;
  /** Of the same days of the weeks before. */
  readonly before: number;
}

const DAY_HOURS = 24;
/** Of fewer events no share is told. */
const FEWEST = 50;
/** A smaller step is no matter. */
const STEP = 0.2;
/** Standard errors by which two shares must differ. */
const ERRORS = 5;

/**
 * Which shares have jumped: that of the last 24 hours is above each of the same days of the weeks before by 0.2, and
 * above them all together by five standard errors (two-proportion z-test).
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
