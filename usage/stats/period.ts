import { QuestionError } from '../ask/answer.ts';
import type { Period } from '../rules/dialect.ts';
import { DAY_MS, monthsPeriod, startOfDay } from '../rules/time-zone.ts';

const MONTH = /^\d{4}-\d{2}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The period from the beginning of `from` to the end of `to`; each may be a month, a day or a time.
 *
 * @throws QuestionError if the period is empty
 */
export function periodOf(from: string, to: string, zone: string): Period {
  const period = { fromMs: begin(from, zone), toMs: end(to, zone) };
  if (period.fromMs < period.toMs) return period;
  throw new QuestionError('invalid_query', `from must be before to; it was ${from}, and to was ${to}`);
}

/** The period that ends where this one begins: as many months if both are months, otherwise of the same length. */
export function periodBefore(from: string, to: string, zone: string): Period {
  const { fromMs, toMs } = periodOf(from, to, zone);
  if (!MONTH.test(from) || !MONTH.test(to)) return { fromMs: Math.max(0, fromMs - (toMs - fromMs)), toMs: fromMs };
  const first = monthBefore(from, monthNumber(to) - monthNumber(from) + 1);
  return { fromMs: monthsPeriod(first, first, zone).fromMs, toMs: fromMs };
}

function monthNumber(month: string): number {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return year * 12 + number - 1;
}

function monthBefore(month: string, months: number): string {
  const number = monthNumber(month) - months;
  return new Date(Date.UTC(Math.floor(number / 12), number % 12)).toISOString().slice(0, 7);
}

function begin(given: string, zone: string): number {
  if (MONTH.test(given)) return monthsPeriod(given, given, zone).fromMs;
  return DAY.test(given) ? startOfDay(given, zone) : Date.parse(given);
}

function end(given: string, zone: string): number {
  if (MONTH.test(given)) return monthsPeriod(given, given, zone).toMs;
  if (!DAY.test(given)) return Date.parse(given);
  const following = new Date(Date.parse(`${given}T00:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
  return startOfDay(following, zone);
}
