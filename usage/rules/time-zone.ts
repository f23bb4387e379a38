/** From this time on, local time is this far ahead of UTC; both in milliseconds. */
export interface Offset {
  readonly fromMs: number;
  readonly offsetMs: number;
}

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** No zone keeps an offset for less: even Ramadan's lasts a month. */
const LOOK_EVERY_MS = 7 * DAY_MS;
/** Offsets change on whole minutes. */
const STEP_MS = 60_000;

/** Whether the name is a time zone's, such as `America/Chicago` or `UTC`; an offset such as +02:00 is not. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * The offsets of a zone in a period, computed here so that both engines count the same days, whatever they know about time
 * zones.
 *
 * @returns in order; the first one applies from the beginning
 */
export function offsetsOf(zone: string, fromMs: number, toMs: number): readonly Offset[] {
  if (zone === 'UTC') return [{ fromMs, offsetMs: 0 }];
  const offsetAt = offsetReader(zone);
  const found: Offset[] = [{ fromMs, offsetMs: offsetAt(fromMs) }];
  let offsetMs = offsetAt(fromMs);
  for (let at = fromMs; at < toMs;) {
    const next = Math.min(at + LOOK_EVERY_MS, toMs);
    if (offsetAt(next) !== offsetMs) {
      const change = firstChange(offsetAt, at, next);
      offsetMs = offsetAt(change);
      found.push({ fromMs: change, offsetMs });
      at = change;
    } else at = next;
  }
  return found;
}

/** The first minute whose offset differs from that at the beginning. */
function firstChange(offsetAt: (ms: number) => number, fromMs: number, toMs: number): number {
  const before = offsetAt(fromMs);
  let [low, high] = [Math.floor(fromMs / STEP_MS), Math.ceil(toMs / STEP_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle * STEP_MS) === before) low = middle;
    else high = middle;
  }
  return high * STEP_MS;
}

/** How far local time is ahead of UTC at a time. */
function offsetReader(zone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const local = Date.UTC(
      parts['year'] ?? 0,
      (parts['month'] ?? 1) - 1,
      parts['day'],
      parts['hour'],
      parts['minute'],
      parts['second'],
    );
    return local - Math.floor(ms / 1000) * 1000;
  };
}

/** The time at which a day, `2026-10-31`, begins in a zone. */
export function startOfDay(day: string, zone: string): number {
  const utc = Date.parse(`${day}T00:00:00Z`);
  const offsetAt = offsetReader(zone);
  // One of the offsets around midnight is right; if the clocks skip midnight, the day begins when they go forward.
  const guesses = [utc - offsetAt(utc - DAY_MS / 2), utc - offsetAt(utc + DAY_MS / 2), utc - offsetAt(utc)];
  const right = guesses.filter((guess) => guess + offsetAt(guess) === utc);
  return right.length > 0 ? Math.min(...right) : Math.max(...guesses);
}

/** Months in a zone, `2026-10`: from the beginning of the first to the end of the last. */
export function monthsPeriod(first: string, last: string, zone: string): { fromMs: number; toMs: number } {
  const [year = 0, month = 1] = last.split('-').map(Number);
  const following = new Date(Date.UTC(year, month)).toISOString().slice(0, 7);
  return { fromMs: startOfDay(`${first}-01`, zone), toMs: startOfDay(`${following}-01`, zone) };
}

/** Whether the text is a month, such as `2026-10`. */
export const isMonth = (text: string): boolean => /^\d{4}-(?:0[1-9]|1[0-2])$/.test(text);
