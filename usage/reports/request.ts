import type { Period } from '../rules/dialect.ts';
import { isTimeZone, monthsPeriod } from '../rules/time-zone.ts';
import { ReportError } from './errors.ts';
import { REPORTS, type ReportKind } from './kinds.ts';

/** A request as on the command line. */
export interface Asked {
  readonly kind: ReportKind;
  /** Months, `2026-10`, both included. */
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  /** Why the period is incomplete, if known. */
  readonly partial?: string | undefined;
}

/** A checked request. */
export interface ReportRequest {
  readonly kind: ReportKind;
  readonly zone: string;
  /** `2026-10`, in order. */
  readonly months: readonly string[];
  readonly period: Period;
  /** Why the report does not cover the whole period; absent if it does. */
  readonly partial?: string;
  /**
   * Time of the figures: the end of the period, or now if it is not over. The same events then give the same report, whenever
   * and wherever it is made.
   */
  readonly createdMs: number;
}

const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/;
/** Ten years. */
const MOST_MONTHS = 120;

/** @throws ReportError wrong_usage */
export function checkRequest({ kind, from, to, timeZone, partial }: Asked, nowMs: number): ReportRequest {
  if (!isTimeZone(timeZone))
    throw wrong(`--time-zone was ${timeZone}; may be a name of the IANA database, such as UTC or America/Chicago`);
  for (const [option, month] of [
    ['--from', from],
    ['--to', to],
  ] as const)
    if (!MONTH.test(month)) throw wrong(`${option} was ${month}; may be a month, such as 2026-10`);
  if (from > to) throw wrong(`--from ${from} is after --to ${to}`);
  const months = monthsFrom(from, to);
  if (months.length > MOST_MONTHS)
    throw wrong(`--from ${from} --to ${to} are ${months.length} months; may be ${MOST_MONTHS} at most`);
  if (REPORTS[kind].code === 'rd1' && months.length > 1)
    throw wrong('rd1 is of one month, as DataCite takes it: give the same month as --from and --to');
  const period = monthsPeriod(from, to, timeZone);
  const last = monthsPeriod(to, to, timeZone);
  if (last.fromMs > nowMs) throw wrong(`--to ${to} has not begun yet: the last month that is over can be reported`);
  const unfinished = period.toMs > nowMs ? `${to} is not over: usage until ${isoTime(nowMs)}` : undefined;
  const why = [partial, unfinished].filter((one) => one !== undefined).join('; ');
  return {
    kind,
    zone: timeZone,
    months,
    period,
    createdMs: Math.min(period.toMs, nowMs),
    ...(why !== '' && { partial: why }),
  };
}

const wrong = (message: string): ReportError => new ReportError('wrong_usage', message);

function monthsFrom(from: string, to: string): readonly string[] {
  const months: string[] = [];
  for (let month = from; month <= to && months.length <= 12 * 1000; month = monthAfter(month, 1)) months.push(month);
  return months;
}

/** So many months later, or earlier if negative. */
export function monthAfter(month: string, count: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + count)).toISOString().slice(0, 7);
}

/** The last day of a month: `2026-10-31`. */
export function lastDay(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number, 0)).toISOString().slice(0, 10);
}

/** RFC 3339 in whole seconds, as both Codes require. */
export const isoTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
