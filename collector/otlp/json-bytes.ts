import { CollectorError } from '../errors.ts';

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, COMMA, COLON] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a];
/** Characters that may follow a backslash, except `u`. */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Most characters of a number, true, false or null. */
const WORD_MAX = 1000;
const WHOLE_MAX = 20;

/**
 * Walks through a string, from after its opening quote.
 *
 * @param pauseAt where to pause if the string goes on
 * @returns the position after the closing quote; if the string goes on, the negative of the position reached
 * @throws CollectorError invalid_json
 */
export function endOfString(buffer: Uint8Array, from: number, pauseAt: number): number {
  let at = from;
  while (at < pauseAt) {
    const byte = buffer[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) {
      const next = buffer[at + 1] ?? 0;
      if (next === 0x75 && isHex(buffer, at + 2)) at += 6;
      else if (ESCAPES.has(next)) at += 2;
      else break;
    } else if (byte >= 0x20) at += 1;
    else break;
  }
  if (at < pauseAt) throw unexpected(buffer, at);
  return -at;
}

/** The position after the number, true, false or null that begins here. @throws CollectorError invalid_json if none does */
export function endOfWord(buffer: Uint8Array, start: number): number {
  const whole = endOfWholeNumber(buffer, start);
  if (whole > start && !isOfWord(buffer[whole] ?? 0)) return whole;
  let end = start;
  while (end - start < WORD_MAX && isOfWord(buffer[end] ?? 0)) end += 1;
  const text = String.fromCharCode(...buffer.subarray(start, end));
  if (!NUMBER.test(text) && text !== 'true' && text !== 'false' && text !== 'null') throw unexpected(buffer, start);
  return end;
}

/** Most numbers are whole and short: nothing is made of them. @returns `start` for any other word */
function endOfWholeNumber(buffer: Uint8Array, start: number): number {
  const most = start + WHOLE_MAX;
  let end = start;
  for (let byte = buffer[end] ?? 0; byte >= 0x30 && byte <= 0x39; byte = buffer[end] ?? 0) {
    end += 1;
    if (end === most) return start;
  }
  return buffer[start] === 0x30 && end > start + 1 ? start : end;
}

export function unexpected(buffer: Uint8Array, at: number): CollectorError {
  const shown = (): string => JSON.stringify(new TextDecoder().decode(buffer.subarray(at, at + 10)));
  const what = at >= buffer.length ? 'ends early' : `is wrong at byte ${at}: ${shown()} is unexpected there`;
  return new CollectorError('invalid_json', `The body is not valid JSON: it ${what}`);
}

function isHex(buffer: Uint8Array, at: number): boolean {
  for (let index = at; index < at + 4; index += 1) {
    const byte = buffer[index] ?? 0;
    if (!((byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)))
      return false;
  }
  return true;
}

/** Whether numbers and words may contain a byte: digits, letters, `+`, `-`, `.`. */
function isOfWord(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}
