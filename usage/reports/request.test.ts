import { describe, expect, test } from 'vitest';
import { checkRequest, type Asked } from './request.ts';

/** 29 November 2026, noon. */
const NOW = Date.UTC(2026, 10, 29, 12);
const check = (asked: Partial<Asked>) =>
  checkRequest({ kind: 'ir', from: '2026-10', to: '2026-10', timeZone: 'UTC', ...asked }, NOW);

describe('the requested report', () => {
  test.each([
    ['an invalid month', { from: '2026-13' }, '--from was 2026-13; may be a month, such as 2026-10'],
    ['a day', { to: '2026-10-31' }, '--to was 2026-10-31; may be a month'],
    ['months in the wrong order', { from: '2026-10', to: '2026-09' }, '--from 2026-10 is after --to 2026-09'],
    ['an unknown time zone', { timeZone: 'Mars/Olympus' }, '--time-zone was Mars/Olympus'],
    ['an offset, which has no summer time', { timeZone: '+05:30' }, '--time-zone was +05:30'],
    ['a month that has not begun', { from: '2026-12', to: '2026-12' }, '--to 2026-12 has not begun yet'],
    ['several months for DataCite', { kind: 'rd1', from: '2026-09' }, 'rd1 is of one month'],
    ['a hundred years', { from: '1926-10' }, '1201 months; may be 120 at most'],
  ] as const)('is refused for %s', (_title, asked, message) => {
    expect(() => check(asked)).toThrow(message);
  });

  test("for a past month is as of the month's end, in the time zone", () => {
    expect(check({})).toMatchObject({ months: ['2026-10'], createdMs: Date.UTC(2026, 10, 1) });
    expect(check({})).not.toHaveProperty('partial');
    // Chicago is 5 hours behind on 1 November.
    expect(check({ timeZone: 'America/Chicago' }).createdMs).toBe(Date.UTC(2026, 10, 1, 5));
  });

  test('for the current month is as of now, and says that it is not complete', () => {
    const request = check({ from: '2026-10', to: '2026-11' });
    expect(request.createdMs).toBe(NOW);
    expect(request.partial).toBe('2026-11 is not over: usage until 2026-11-29T12:00:00Z');
  });

  test('may span the end of a year', () => {
    expect(check({ from: '2025-11', to: '2026-02' }).months).toEqual(['2025-11', '2025-12', '2026-01', '2026-02']);
  });
});
