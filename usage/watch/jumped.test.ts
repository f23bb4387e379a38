import { describe, expect, test } from 'vitest';
import { jumpedOf, type Part } from './jumped.ts';

const WEEK = 168;
const END = 1000 * WEEK;

/** The part and the whole in one hour of a day, for this week and each week before. */
function part(...days: readonly (readonly [part: number, whole: number])[]): Part {
  const at = (week: number): number => END - week * WEEK - 12;
  return {
    name: 'bots',
    part: new Map(days.map(([count], week) => [at(week), count])),
    whole: new Map(days.map(([, count], week) => [at(week), count])),
  };
}

describe('a share has jumped', () => {
  test('from a fifth to three fifths of 200', () => {
    // 0.6 against 160/800 = 0.2. Pooled 280/1000 = 0.28; error √(0.28·0.72·(1/200 + 1/800)) = 0.0355; 0.4 is 11.3 errors.
    expect(jumpedOf([part([120, 200], [40, 200], [40, 200], [40, 200], [40, 200])], END)).toEqual([
      { name: 'bots', share: 0.6, before: 0.2 },
    ]);
  });

  test('from zero to half', () => {
    expect(jumpedOf([part([50, 100], [0, 100], [0, 100])], END)).toEqual([{ name: 'bots', share: 0.5, before: 0 }]);
  });
});

describe('no jump is reported', () => {
  test.each<[string, Part]>([
    ['for a share that stays the same', part([40, 200], [40, 200], [40, 200])],
    ['for a step below a fifth', part([700, 2000], [400, 2000], [400, 2000])],
    ['for fewer than 50 events', part([49, 49], [0, 200], [0, 200])],
    ['if one of the weeks before had a similar share', part([120, 200], [40, 200], [90, 200], [40, 200])],
    ['with one week to compare with', part([120, 200], [40, 200])],
    // 0.46 against 0.24 of 50 each: pooled 0.313 (47/150), error 0.0804; 0.22 is 2.7 errors.
    ['for a step that may be chance', part([23, 50], [12, 50], [12, 50])],
    ['for a share that falls', part([10, 200], [120, 200], [120, 200])],
    ['for a share that is always everything', part([200, 200], [200, 200], [200, 200])],
  ])('%s', (_title, one) => {
    expect(jumpedOf([one], END)).toEqual([]);
  });
});
