import { expect, test } from 'vitest';
import { checkFigures } from './check.ts';
import type { Figure, Figures } from './figures.ts';

const good: Figure = {
  month: '2026-10',
  dataset: 'd1',
  access: 'regular',
  total_investigations: 5,
  unique_investigations: 3,
  total_requests: 2,
  unique_requests: 1,
};
const figures = (row: Partial<Figure>, total: Partial<Figure> = row): Figures => {
  const { dataset: _dataset, ...sums } = { ...good, ...total };
  return { rows: [{ ...good, ...row }], totals: [sums], unattributed: 0 };
};

test('plausible figures pass', () => {
  expect(() => checkFigures(figures({}))).not.toThrow();
});

test.each([
  [figures({ unique_investigations: 6 }), 'total_investigations 5, fewer than unique_investigations 6'],
  [figures({ total_requests: 6 }), 'total_investigations 5, fewer than total_requests 6'],
  [figures({ unique_requests: 3 }), 'total_requests 2, fewer than unique_requests 3'],
  [figures({ unique_investigations: 1, unique_requests: 2 }), 'unique_investigations 1, fewer than unique_requests 2'],
  [figures({ total_requests: -1, unique_requests: -1 }), 'total_requests -1'],
  [figures({}, { total_requests: 4 }), 'the site in 2026-10 (regular) has total_requests 4, its datasets together 2'],
])('impossible figures make no report', (wrong, message) => {
  expect(() => checkFigures(wrong)).toThrow(message);
});
