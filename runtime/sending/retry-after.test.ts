import { describe, expect, it } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const NOW = Date.UTC(1994, 10, 6, 8, 49, 30);

describe('Retry-After', () => {
  it.each([
    ['5', 5000],
    [' 7 ', 7000],
    ['120.5', 120_500],
    ['0.0004', 1],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 7000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 7000],
    ['Sun Nov  6 08:49:37 1994', 7000],
  ])('of %j asks for %i ms', (value, expected) => {
    expect(retryAfterMs(value, NOW)).toBe(expected);
  });

  it.each([
    null,
    undefined,
    '',
    '0',
    '0.0',
    '-5',
    '1e3',
    '0x10',
    '5 s',
    'soon',
    'soon 2050',
    'Sunday',
    'Sun, 06 Nov 1994 08:49:30 GMT',
    'Sat, 05 Nov 1994 08:49:37 GMT',
  ])('of %j asks for nothing', (value) => {
    expect(retryAfterMs(value, NOW)).toBeUndefined();
  });

  it("with endless digits is as long as they say, up to the caller's limit", () => {
    expect(retryAfterMs('9'.repeat(400), NOW)).toBe(Infinity);
  });
});
