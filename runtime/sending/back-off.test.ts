import { describe, expect, it } from 'vitest';
import { backOff, heeding, jittered } from './back-off.ts';

const bounds = { first: 1000, longest: 30_000 };
const most = (): number => 1;
const least = (): number => 0;

describe('the pause after repeated failures', () => {
  it('doubles up to the maximum', () => {
    expect([1, 2, 3, 5, 6, 7, 1_000_000].map((failures) => backOff(failures, bounds, most))).toEqual([
      1000, 2000, 4000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  it('is randomly shortened by at most half', () => {
    expect([1, 2, 7].map((failures) => backOff(failures, bounds, least))).toEqual([500, 1000, 15_000]);
    expect(jittered(1000, () => 0.5)).toBe(750);
  });

  it('is in whole milliseconds', () => {
    expect(jittered(1001, () => 0.123)).toBe(562);
  });

  it('is the maximum at once if the first pause is longer', () => {
    expect(backOff(1, { first: 5000, longest: 100 }, most)).toBe(100);
  });
});

describe('the pause that a receiver asks for', () => {
  it.each([
    ['counts if it is longer than our own', 7000, 1000, 7000],
    ['does not make us faster if it is shorter', 10, 1000, 1000],
    ['leaves our own pause if there is none', undefined, 1000, 1000],
    ['counts up to ten minutes', 1e12, 1000, 600_000],
    ['counts up to ten minutes if it is endless', Infinity, 1000, 600_000],
  ])('%s', (_, wishMs, ownMs, expected) => {
    expect(heeding(wishMs, ownMs)).toBe(expected);
  });

  it("counts up to the caller's limit", () => {
    expect(heeding(90_000, 1000, 60_000)).toBe(60_000);
  });
});
