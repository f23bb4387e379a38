import { describe, expect, test } from 'vitest';
import {
  ago,
  brief,
  bytes,
  change,
  count,
  duration,
  milliseconds,
  percent,
  time,
  UNKNOWN,
  zoneName,
} from '../../../dashboard/app/format.ts';

describe('figures', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '0.977 KiB'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 2 - 1, '1 MiB'],
    [5 * 1024 ** 3, '5 GiB'],
    [1.5 * 1024 ** 4, '1.5 TiB'],
  ])('%d bytes are %s', (value, text) => expect(bytes(value)).toBe(text));

  test.each([
    [0.012, '12 ms'],
    [1, '1 s'],
    [4.25, '4.3 s'],
    [59.94, '59.9 s'],
    [60, '1 min'],
    [3599, '1 h'],
    [3660, '1 h 1 min'],
    [86_399, '1 d'],
    [90_000, '1 d 1 h'],
    [40 * 86_400, '40 d'],
  ])('%d seconds are %s', (value, text) => expect(duration(value)).toBe(text));

  test.each([
    [99_999, '99,999'],
    [123_456, '123K'],
    [1.5, '1.5'],
    [10_000_000, '10M'],
  ])('%d is %s where space is short', (value, text) => expect(brief(value)).toBe(text));

  test.each([
    [100, '100 %'],
    [99.999, '99.99 %'],
    [0, '0 %'],
    [0.001, '0.00 %'],
    [98, '98 %'],
  ])('%d percent are %s: a part is never written as all', (value, text) => expect(percent(value)).toBe(text));

  test.each([count, brief, bytes, duration, milliseconds, percent])(
    'that are unknown are written as unknown by %o, not as 0',
    (write) => {
      expect([null, undefined, Number.NaN, Number.POSITIVE_INFINITY].map(write)).toEqual(
        Array.from({ length: 4 }, () => UNKNOWN),
      );
    },
  );
});

describe('a change', () => {
  test.each([
    [12, 10, '+20 %'],
    [5, 10, '−50 %'],
    [10, 10, 'as before'],
    [10, 0, 'none before'],
    [1001, 1000, '+<1 %'],
    [0, 0, 'as before'],
    [null, 3, ''],
  ])('from %s, with %s before, is %s', (now, before, text) => expect(change(now, before)).toBe(text));
});

describe('times', () => {
  const noon = Date.parse('2026-11-29T12:00:00Z');
  test('are in the zone, which is named with its offset from UTC', () => {
    expect(time(noon, 'America/Chicago')).toBe('2026-11-29 06:00:00');
    expect(zoneName('America/Chicago', noon)).toBe('America/Chicago (UTC-6)');
    expect(zoneName('America/Chicago', Date.parse('2026-07-01'))).toBe('America/Chicago (UTC-5)');
    expect(zoneName('UTC', noon)).toBe('UTC');
  });

  test('are shown as the time since then', () => {
    expect([0, 500, 12_000, 7_200_000].map((before) => ago(noon - before, noon))).toEqual([
      'now',
      'now',
      '12 s ago',
      '2 h ago',
    ]);
  });
});
