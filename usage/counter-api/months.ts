import { monthAfter } from '../reports/request.ts';
import { monthsPeriod } from '../rules/time-zone.ts';
import type { UsageStore } from '../store/usage-store.ts';

/** The months that can be reported: complete, and in the store. */
export interface Available {
  readonly first: string;
  readonly last: string;
}

/** @returns undefined if the store has no complete month */
export async function availableMonths(store: UsageStore, zone: string, nowMs: number): Promise<Available | undefined> {
  const { firstMs } = await store.contents();
  if (firstMs === undefined) return undefined;
  const first = monthOf(firstMs, zone);
  const last = monthAfter(monthOf(nowMs, zone), -1);
  return first <= last ? { first, last } : undefined;
}

/** The month in the zone that contains a time. */
function monthOf(ms: number, zone: string): string {
  const utc = new Date(ms).toISOString().slice(0, 7);
  return [-1, 0, 1]
    .map((months) => monthAfter(utc, months))
    .find((month) => ms < monthsPeriod(month, month, zone).toMs) ?? utc; // prettier-ignore
}

/** From and to as the API gives them: months, or the first and the last day. */
export function monthsOf(
  begin: string | undefined,
  end: string | undefined,
): { from: string; to: string } | { wrong: string } {
  const from = monthOfDate(begin, isFirstDay);
  const to = monthOfDate(end, isLastDay);
  if (from === undefined)
    return { wrong: `begin_date was ${begin ?? 'missing'}; must be a month, 2026-10, or its first day` };
  if (to === undefined) return { wrong: `end_date was ${end ?? 'missing'}; must be a month, 2026-10, or its last day` };
  return from <= to ? { from, to } : { wrong: `begin_date ${from} is after end_date ${to}` };
}

function monthOfDate(given: string | undefined, isRightDay: (day: string) => boolean): string | undefined {
  if (given === undefined || !/^\d{4}-(?:0[1-9]|1[0-2])(?:-\d{2})?$/.test(given)) return undefined;
  return given.length === 7 || isRightDay(given) ? given.slice(0, 7) : undefined;
}

const isFirstDay = (day: string): boolean => day.endsWith('-01');
const isLastDay = (day: string): boolean => {
  const [year = 0, month = 1] = day.split('-').map(Number);
  return Number(day.slice(8)) === new Date(Date.UTC(year, month, 0)).getUTCDate();
};
