import { expect, test } from 'vitest';
import type { Figure } from './figures.ts';
import { spikesOf } from './spikes.ts';

const month = (name: string, total: number): Figure => ({
  month: name,
  dataset: 'd1',
  access: 'regular',
  total_investigations: total,
  unique_investigations: 0,
  total_requests: 0,
  unique_requests: 0,
});

// 24 and 36 in the twelve months before are 5 a month: 3 × 5 + 100 = 115 is still usual, 116 is not.
const before = [month('2025-10', 24), month('2026-09', 36)];

test('a month with three times the mean of the twelve before plus 100 is no spike', () => {
  expect(spikesOf([...before, month('2026-10', 115)], ['2026-10'])).toEqual([]);
});

test('a month with one more is a spike', () => {
  expect(spikesOf([...before, month('2026-10', 116)], ['2026-10'])).toEqual([
    { dataset: 'd1', month: '2026-10', metric: 'total_investigations', count: 116, mean: 5 },
  ]);
});

test('the thirteenth month before does not count', () => {
  expect(spikesOf([month('2025-09', 6000), month('2026-10', 101)], ['2026-10'])).toMatchObject([{ mean: 0 }]);
});
