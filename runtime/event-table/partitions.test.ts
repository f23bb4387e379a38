import { expect, it } from 'vitest';
import { monthBefore, monthOf } from './partitions.ts';

it('the month of an event is in UTC', () => {
  expect(monthOf(Date.UTC(2026, 10, 30, 23, 59, 59, 999))).toBe('2026-11');
  expect(monthOf(Date.UTC(2026, 11, 1))).toBe('2026-12');
});

it('months are counted back over the turn of the year', () => {
  expect(monthBefore(Date.UTC(2026, 1, 28), 1)).toBe('2026-01');
  expect(monthBefore(Date.UTC(2026, 1, 28), 2)).toBe('2025-12');
  expect(monthBefore(Date.UTC(2026, 4, 31), 3)).toBe('2026-02');
  expect(monthBefore(Date.UTC(2026, 0, 1), 24)).toBe('2024-01');
});
