/** IMF-fixdate and the two older date forms (RFC 9110, 5.6.7). `Date.parse` alone accepts any word before a year. */
const HTTP_DATE = /^(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? /;

/**
 * How long a Retry-After header asks to wait: seconds, with a fraction for some services, or a date (RFC 9110, 10.2.3).
 * Milliseconds; undefined if it asks for nothing: a past date, 0, or an invalid value.
 */
export function retryAfterMs(value: string | null | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  const ms = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : dateMs(text) - nowMs;
  return ms > 0 ? Math.ceil(ms) : undefined;
}

/** NaN if it is not a date. All three forms are UTC; the oldest does not say so. */
function dateMs(text: string): number {
  if (!HTTP_DATE.test(text)) return NaN;
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
}
