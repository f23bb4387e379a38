/** What a column of a chart stands for. */
export type Unit = 'hour' | 'day' | 'month';

/** A period as the stats API takes it, and its division in charts. */
export interface Period {
  readonly from: string;
  readonly to: string;
  readonly unit: Unit;
  readonly name: string;
}

/** Periods that end now, by their name in the address. */
export const PRESETS = {
  '24h': 'Last 24 hours',
  '7d': 'Last 7 days',
  '30d': 'Last 30 days',
  '90d': 'Last 90 days',
  '12m': 'Last 12 months',
} as const;
export type Preset = keyof typeof PRESETS;
const PRESET_DEFAULT: Preset = '30d';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Most columns that a chart has room for. */
const HOURS_MOST = 8 * 24;
const DAYS_MOST = 130;

const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const isPreset = (name: string | undefined): name is Preset => name !== undefined && Object.hasOwn(PRESETS, name);

/** The period in the address; the last 30 days if it is missing or wrong. */
export function periodOf(params: Readonly<Record<string, string>>, nowMs: number, zone: string): Period {
  const { from, to, period } = params;
  if (from !== undefined && to !== undefined && isTime(from) && isTime(to) && startMs(from) < endMs(to))
    return { from, to, unit: unitOf(from, to), name: `${shown(from, zone)} to ${shown(to, zone)}` };
  return presetPeriod(isPreset(period) ? period : PRESET_DEFAULT, nowMs, zone);
}

/** For people: a time in the zone; days and months as they are. */
const shown = (given: string, zone: string): string =>
  given.includes('T') ? localMinute(Date.parse(given), zone) : given;

function presetPeriod(preset: Preset, nowMs: number, zone: string): Period {
  const name = PRESETS[preset];
  if (preset === '24h') {
    const end = Math.ceil((nowMs + 1) / HOUR_MS) * HOUR_MS;
    return { from: new Date(end - DAY_MS).toISOString(), to: new Date(end).toISOString(), unit: 'hour', name };
  }
  const today = localLabel(nowMs, 'day', zone);
  if (preset === '12m')
    return { from: monthsLater(today.slice(0, 7), -11), to: today.slice(0, 7), unit: 'month', name };
  const days = Number(preset.slice(0, -1));
  const from = daysLater(today, 1 - days);
  return { from, to: today, unit: unitOf(from, today), name };
}

const isTime = (given: string): boolean =>
  MONTH.test(given) || (!Number.isNaN(Date.parse(given)) && /^\d{4}-/.test(given));
const startMs = (given: string): number => Date.parse(MONTH.test(given) ? `${given}-01` : given);
const endMs = (given: string): number =>
  MONTH.test(given) ? Date.parse(`${monthsLater(given, 1)}-01`) : Date.parse(given) + (DAY.test(given) ? DAY_MS : 0);

function unitOf(from: string, to: string): Unit {
  const lengthMs = endMs(to) - startMs(from);
  if (lengthMs <= HOURS_MOST * HOUR_MS) return 'hour';
  return lengthMs <= DAYS_MOST * DAY_MS ? 'day' : 'month';
}

/** The period of the same length that ends where this one begins, like compare=before of the stats API. */
export function periodBefore({ from, to }: Period): { readonly from: string; readonly to: string } {
  if (MONTH.test(from) && MONTH.test(to)) {
    const months = monthNumber(to) - monthNumber(from) + 1;
    return { from: monthsLater(from, -months), to: monthsLater(from, -1) };
  }
  if (DAY.test(from) && DAY.test(to)) {
    const days = Math.round((endMs(to) - startMs(from)) / DAY_MS);
    return { from: daysLater(from, -days), to: daysLater(from, -1) };
  }
  const lengthMs = endMs(to) - startMs(from);
  return { from: new Date(startMs(from) - lengthMs).toISOString(), to: new Date(startMs(from)).toISOString() };
}

/** Labels of a chart's columns: hours, days or months of the time zone, named as in the stats API. */
export function columnsOf(
  { from, to, unit }: { from: string; to: string; unit: Unit },
  zone: string,
): readonly string[] {
  if (unit === 'hour') return hoursOf(from, to, zone);
  if (unit === 'day') {
    const first = DAY.test(from) ? from : MONTH.test(from) ? `${from}-01` : localLabel(startMs(from), 'day', zone);
    const last = DAY.test(to) ? to : MONTH.test(to) ? daysLater(`${monthsLater(to, 1)}-01`, -1) : localLabel(endMs(to) - 1, 'day', zone); // prettier-ignore
    return sequence(first, last, (label) => daysLater(label, 1));
  }
  const first = DAY.test(from) || MONTH.test(from) ? from.slice(0, 7) : localLabel(startMs(from), 'month', zone);
  const last = DAY.test(to) || MONTH.test(to) ? to.slice(0, 7) : localLabel(endMs(to) - 1, 'month', zone);
  return sequence(first, last, (label) => monthsLater(label, 1));
}

/** A day of the zone may have 23 or 25 hours; an hour that occurs twice is one column. */
function hoursOf(from: string, to: string, zone: string): readonly string[] {
  const isLocal = (given: string): boolean => DAY.test(given) || MONTH.test(given);
  // Days and months begin in the zone, which is less than a day from UTC: a day more on both sides covers them.
  const first = isLocal(from)
    ? localLabel(startMs(from) - DAY_MS, 'hour', zone)
    : localLabel(startMs(from), 'hour', zone);
  const begins = isLocal(from) ? `${MONTH.test(from) ? `${from}-01` : from}T00` : first;
  const ends = isLocal(to) ? (MONTH.test(to) ? monthsLater(to, 1) : daysLater(to, 1)) : `${localLabel(endMs(to) - 1, 'hour', zone)}~`; // prettier-ignore
  const labels = new Set<string>();
  for (let ms = startMs(from) - DAY_MS; ms <= endMs(to) + DAY_MS; ms += HOUR_MS / 2) {
    const label = localLabel(ms, 'hour', zone);
    if (label >= begins && label < ends) labels.add(label);
  }
  return [...labels];
}

/** The address parameters for a zoom from one column to another. */
export function zoomTo(
  columns: readonly string[],
  first: number,
  last: number,
  unit: Unit,
  zone: string,
): Record<string, string | undefined> | undefined {
  const [from, to] = [columns[Math.max(0, first)], columns[Math.min(columns.length - 1, last)]];
  if (from === undefined || to === undefined) return undefined;
  if (unit !== 'hour') return { from, to, period: undefined };
  // The address cannot name an hour: it has the times at which the first begins and the last ends.
  const [begins, ends] = [hourMs(from, zone), hourMs(to, zone)];
  if (begins === undefined || ends === undefined) return undefined;
  return {
    from: new Date(begins).toISOString(),
    to: new Date(ends + HOUR_MS).toISOString(),
    period: undefined,
  };
}

/** When an hour of the zone begins: the first of two if the clocks went back. @param label 2026-11-29T16 */
function hourMs(label: string, zone: string): number | undefined {
  const near = Date.parse(`${label}:00:00Z`);
  for (let ms = near - DAY_MS; ms <= near + DAY_MS; ms += HOUR_MS / 4)
    if (localLabel(ms, 'hour', zone) === label) return ms;
  return undefined;
}

function sequence(first: string, last: string, next: (label: string) => string): readonly string[] {
  const labels: string[] = [];
  for (let label = first; label <= last && labels.length < 5000; label = next(label)) labels.push(label);
  return labels;
}

const monthNumber = (month: string): number => Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1;
const monthOf = (number: number): string => `${String(Math.floor(number / 12)).padStart(4, '0')}-${String((number % 12) + 1).padStart(2, '0')}`; // prettier-ignore
const monthsLater = (month: string, months: number): string => monthOf(monthNumber(month) + months);
export const daysLater = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);

const LENGTH: Readonly<Record<Unit, number>> = { month: 7, day: 10, hour: 13 };
const formats = new Map<string, Intl.DateTimeFormat>();

/** 2026-11-29T16 in the zone */
const localLabel = (ms: number, unit: Unit, zone: string): string =>
  localMinute(ms, zone).replace(' ', 'T').slice(0, LENGTH[unit]);

/** 2026-11-29 16:00 in the zone */
function localMinute(ms: number, zone: string): string {
  let format = formats.get(zone);
  if (format === undefined)
    formats.set(zone, (format = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' }))); // prettier-ignore
  return format.format(ms);
}
