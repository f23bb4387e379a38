const LOCALE = 'en';
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumSignificantDigits: 3 });
const decimal = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 });

/** Shown for an unknown figure, which is never shown as 0. */
export const UNKNOWN = '–';
export type Figure = number | null | undefined;

const isKnown = (value: Figure): value is number => typeof value === 'number' && Number.isFinite(value);

/** 1,204 */
export const count = (value: Figure): string => (isKnown(value) ? whole.format(value) : UNKNOWN);

/** 1,204; from 100,000 on 124K: fits a tile or an axis. */
export const brief = (value: Figure): string => {
  if (!isKnown(value)) return UNKNOWN;
  return Math.abs(value) < 100_000 ? (Number.isInteger(value) ? whole : decimal).format(value) : short.format(value);
};

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** 1.18 MiB */
export function bytes(value: Figure): string {
  if (!isKnown(value)) return UNKNOWN;
  let [left, power] = [Math.abs(value), 0];
  // The next unit before a fourth digit: 1023.9 KiB would appear as 1,020 KiB.
  while (left >= 999.5 && power < BINARY.length - 1) {
    left /= 1024;
    power += 1;
  }
  return `${value < 0 ? '−' : ''}${power === 0 ? whole.format(left) : decimal.format(left)} ${BINARY[power] ?? ''}`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
] as const;

/** 12 ms, 4.2 s, 3 min, 2 h 5 min, 3 d 4 h */
export function duration(seconds: Figure): string {
  if (!isKnown(seconds)) return UNKNOWN;
  if (seconds < 1) return `${whole.format(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${decimal.format(Math.round(seconds * 10) / 10)} s`;
  // Rounded before it is split: 59 min 40 s is 1 h, not 60 min.
  let left = seconds < 3570 ? Math.round(seconds / 60) * 60 : seconds < 86_400 - 1800 ? Math.round(seconds / 60) * 60 : Math.round(seconds / 3600) * 3600; // prettier-ignore
  const parts: string[] = [];
  for (const [name, size] of UNITS) {
    const many = Math.floor(left / size);
    left -= many * size;
    if (many > 0) parts.push(`${whole.format(many)} ${name}`);
  }
  return parts.slice(0, 2).join(' ');
}

export const milliseconds = (value: Figure): string => (isKnown(value) ? duration(value / 1000) : UNKNOWN);

/** 99.95 %: never rounded up to 100. */
export function percent(value: Figure): string {
  if (!isKnown(value)) return UNKNOWN;
  const digits = Math.floor(value * 100) / 100;
  const isRound = value === 0 || value === 100 || (digits >= 10 && Number.isInteger(digits));
  return `${digits.toFixed(isRound ? 0 : 2)} %`;
}

/** Difference from the figure before: +12 %, −3 %, none before, as before. */
export function change(now: Figure, before: Figure): string {
  if (!isKnown(now) || !isKnown(before)) return '';
  if (now === before) return 'as before';
  if (before === 0) return 'none before';
  const share = ((now - before) / before) * 100;
  const size = Math.abs(share) < 1 ? '<1' : brief(Math.round(Math.abs(share)));
  return `${share < 0 ? '−' : '+'}${size} %`;
}

/** A time in the viewer's time zone. */
export function time(ms: number, zone: string): string {
  return new Intl.DateTimeFormat('sv', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(ms);
}

/** now, 12 s ago, 3 min ago */
export function ago(ms: number, nowMs: number): string {
  const seconds = (nowMs - ms) / 1000;
  return seconds < 1 ? 'now' : `${duration(Math.floor(seconds))} ago`;
}

/** Europe/Berlin (UTC+1) */
export function zoneName(zone: string, nowMs: number): string {
  const parts = new Intl.DateTimeFormat(LOCALE, { timeZone: zone, timeZoneName: 'shortOffset' }).formatToParts(nowMs);
  const offset = (parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT').replace('GMT', 'UTC');
  return zone === 'UTC' ? 'UTC' : `${zone} (${offset})`;
}
