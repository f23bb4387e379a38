import { describe, expect, test } from 'vitest';
import { withinLimits, type ShareLimits } from './limits.ts';
import { statsQuery } from './question.ts';

const LIMITS: ShareLimits = { metrics: ['views', 'downloads'], datasets: ['d1', 'd2'], from: '2026-07', to: '2026-12' };
const ask = (query: Record<string, string>, limits = LIMITS) =>
  withinLimits(statsQuery.parse({ metric: 'views', from: '2026-10', to: '2026-10', ...query }), limits);

describe('a share link', () => {
  test('answers for its datasets, or for those of them that are requested', () => {
    expect(ask({}).dataset).toBe('d1,d2');
    expect(ask({ dataset: 'd2' }).dataset).toBe('d2');
    expect(ask({}, { ...LIMITS, datasets: undefined }).dataset).toBeUndefined();
    expect(ask({ by: 'day,dataset', client: 'browser', compare: 'before' }).client).toBe('browser');
  });

  test.each<[string, Record<string, string>]>([
    ['a metric that it does not show', { metric: 'views,bytes' }],
    ['another dataset', { dataset: 'd3' }],
    ['another dataset beside its own', { dataset: 'd1,d3' }],
    ['uses without a dataset', { dataset: '(none)' }],
    ['users', { by: 'user' }],
    ['one user, by a filter', { user: 'ana' }],
    ['referrers, by a filter', { referrer: 'example.org' }],
    ['a month before its period', { from: '2026-06', to: '2026-10' }],
    ['a month after its period', { from: '2026-10', to: '2027-01' }],
    ['a millisecond before its period', { from: '2026-06-30T23:59:59.999Z', to: '2026-10' }],
    ['the period before, which is not shown', { from: '2026-07', to: '2026-07', compare: 'before' }],
    ['another day by means of an offset', { from: '2026-07-01T00:00:00+01:00', to: '2026-10' }],
  ])('does not answer for %s', (_title, query) => {
    expect(() => ask(query)).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });

  test('has the days of the requested time zone', () => {
    expect(ask({ from: '2026-07', to: '2026-12', time_zone: 'America/Chicago' }).from).toBe('2026-07');
    expect(() => ask({ from: '2026-07-01T00:00:00Z', to: '2026-12', time_zone: 'America/Chicago' })).toThrow(
      'This link shows what happened from 2026-07 to 2026-12',
    );
  });
});
