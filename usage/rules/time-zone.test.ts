import { describe, expect, test } from 'vitest';
import { monthsPeriod, offsetsOf } from './time-zone.ts';

const HOUR_MS = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();

describe('a month in a time zone', () => {
  test.each([
    ['UTC', '2026-10-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z'],
    ['America/Chicago', '2026-10-01T05:00:00.000Z', '2026-11-01T05:00:00.000Z'],
    ['Asia/Kolkata', '2026-09-30T18:30:00.000Z', '2026-10-31T18:30:00.000Z'],
    ['Europe/Berlin', '2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z'],
  ])('of %s begins and ends at its own midnight', (zone, from, to) => {
    const { fromMs, toMs } = monthsPeriod('2026-10', '2026-10', zone);
    expect([iso(fromMs), iso(toMs)]).toEqual([from, to]);
  });

  test('may be several months, across the end of a year', () => {
    const { fromMs, toMs } = monthsPeriod('2026-11', '2027-01', 'UTC');
    expect([iso(fromMs), iso(toMs)]).toEqual(['2026-11-01T00:00:00.000Z', '2027-02-01T00:00:00.000Z']);
  });

  test('begins when the clock continues if its midnight is skipped', () => {
    // In Paraguay the clock went from 0:00 to 1:00 on 1 October 2023, at 4:00 UTC.
    expect(iso(monthsPeriod('2023-10', '2023-10', 'America/Asuncion').fromMs)).toBe('2023-10-01T04:00:00.000Z');
  });
});

describe('the offsets of a time zone', () => {
  test('are one if the clock never changes', () => {
    const [fromMs, toMs] = [Date.UTC(2026, 0), Date.UTC(2027, 0)];
    expect(offsetsOf('Asia/Kolkata', fromMs, toMs)).toEqual([{ fromMs, offsetMs: 5.5 * HOUR_MS }]);
  });

  test('change at the minute at which the clock does', () => {
    const found = offsetsOf('America/Chicago', Date.UTC(2026, 0), Date.UTC(2027, 0));
    expect(found.map(({ fromMs, offsetMs }) => [iso(fromMs), offsetMs / HOUR_MS])).toEqual([
      ['2026-01-01T00:00:00.000Z', -6],
      ['2026-03-08T08:00:00.000Z', -5],
      ['2026-11-01T07:00:00.000Z', -6],
    ]);
  });
});
