import { describe, expect, test } from 'vitest';
import { columnsOf, daysLater, periodBefore, periodOf, zoomTo } from '../../../dashboard/app/period.ts';

const NOW = Date.parse('2026-11-29T16:20:00Z');
const ZONE = 'America/Chicago';

describe('a period', () => {
  test('without a word in the address is the last 30 days, in the zone', () => {
    expect(periodOf({}, NOW, ZONE)).toMatchObject({ from: '2026-10-31', to: '2026-11-29', unit: 'day' });
  });

  test('of 24 hours ends with this hour', () => {
    expect(periodOf({ period: '24h' }, NOW, ZONE)).toMatchObject({
      from: '2026-11-28T17:00:00.000Z',
      to: '2026-11-29T17:00:00.000Z',
      unit: 'hour',
    });
  });

  test('of a year is twelve months, including this one', () => {
    const period = periodOf({ period: '12m' }, NOW, ZONE);
    expect(period).toMatchObject({ from: '2025-12', to: '2026-11', unit: 'month' });
    expect(columnsOf(period, ZONE)).toHaveLength(12);
  });

  test.each([
    [{ period: 'never' }],
    [{ from: '2026-10-02', to: '2026-10-01' }],
    [{ from: 'x', to: '2026-10-01' }],
    [{ from: '2026-10-01' }],
  ])('that is invalid, %o, is the last 30 days', (params: Record<string, string>) => {
    expect(periodOf(params, NOW, ZONE).name).toBe('Last 30 days');
  });

  test.each([
    ['2026-10-01', '2026-10-03', 'hour', 72],
    ['2026-10-01', '2026-10-31', 'day', 31],
    ['2026-01', '2026-10', 'month', 10],
    ['2025-01-15', '2026-01-14', 'month', 13],
    ['2026-10', '2026-10', 'day', 31],
  ])('from %s to %s has a column for each %s: %i', (from, to, unit, columns) => {
    const period = periodOf({ from, to }, NOW, ZONE);
    expect(period.unit).toBe(unit);
    expect(columnsOf(period, ZONE)).toHaveLength(columns);
  });

  test.each([
    ['2026-03-08', 23, 'the hour that there is not'],
    ['2026-11-01', 24, 'the hour that comes twice is one'],
  ])('of the day %s, when clocks change, has %i hours: %s', (day, hours) => {
    const columns = columnsOf(periodOf({ from: day, to: day }, NOW, ZONE), ZONE);
    expect(columns).toHaveLength(hours);
    expect(columns[0]).toBe(`${day}T00`);
    expect(columns.at(-1)).toBe(`${day}T23`);
  });

  test('of 24 hours has the hours of the zone', () => {
    const columns = columnsOf(periodOf({ period: '24h' }, NOW, ZONE), ZONE);
    expect(columns).toHaveLength(24);
    expect([columns[0], columns.at(-1)]).toEqual(['2026-11-28T11', '2026-11-29T10']);
  });
});

describe('the period before', () => {
  test.each([
    [
      { from: '2026-10', to: '2026-10' },
      { from: '2026-09', to: '2026-09' },
    ],
    [
      { from: '2026-01', to: '2026-12' },
      { from: '2025-01', to: '2025-12' },
    ],
    [
      { from: '2026-03-01', to: '2026-03-07' },
      { from: '2026-02-22', to: '2026-02-28' },
    ],
    [
      { from: '2026-11-28T17:00:00.000Z', to: '2026-11-29T17:00:00.000Z' },
      { from: '2026-11-27T17:00:00.000Z', to: '2026-11-28T17:00:00.000Z' },
    ],
  ])('of %o is %o', (period, before) => expect(periodBefore({ ...period, unit: 'day', name: '' })).toEqual(before));
});

describe('a zoom', () => {
  const columns = ['2026-10-01', '2026-10-02', '2026-10-03'];
  test('asks for the selected columns, and for none beyond', () => {
    expect(zoomTo(columns, 1, 2, 'day', 'UTC')).toEqual({ from: '2026-10-02', to: '2026-10-03', period: undefined });
    expect(zoomTo(columns, -4, 9, 'day', 'UTC')).toEqual({ from: '2026-10-01', to: '2026-10-03', period: undefined });
  });

  test.each([
    ['UTC', '2026-10-01T05:00:00.000Z', '2026-10-01T08:00:00.000Z'],
    ['America/Chicago', '2026-10-01T10:00:00.000Z', '2026-10-01T13:00:00.000Z'],
    ['Asia/Kolkata', '2026-09-30T23:30:00.000Z', '2026-10-01T02:30:00.000Z'],
  ])('of hours in %s asks from the beginning of the first to the end of the last', (zone, from, to) => {
    const hours = ['2026-10-01T05', '2026-10-01T06', '2026-10-01T07'];
    const zoomed = zoomTo(hours, 0, 2, 'hour', zone);
    expect(zoomed).toEqual({ from, to, period: undefined });
    const period = periodOf({ from, to }, 0, zone);
    expect(period).toMatchObject({ unit: 'hour', name: '2026-10-01 05:00 to 2026-10-01 08:00' });
    expect(columnsOf(period, zone)).toEqual(hours);
  });

  test('of nothing asks for nothing', () => expect(zoomTo([], 0, 1, 'day', 'UTC')).toBeUndefined());
});

test('days are counted across the ends of months and years', () => {
  expect(daysLater('2026-12-31', 1)).toBe('2027-01-01');
  expect(daysLater('2024-03-01', -1)).toBe('2024-02-29');
});
