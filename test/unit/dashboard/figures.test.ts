import { describe, expect, test } from 'vitest';
import type { ClowderEvent, Reading } from '../../../dashboard/app/api.ts';
import { extractorsOf } from '../../../dashboard/app/extractors.ts';
import { layersBy, layersOf, rankedOf, sumsOf, windowsOf } from '../../../dashboard/app/figures.ts';
import { filtersOf, inFormat, statsUrl } from '../../../dashboard/app/question.ts';
import { matches, rowsOf, subjectOf } from '../../../dashboard/app/tail.ts';

const DAYS = ['2026-10-01', '2026-10-02', '2026-10-03'];

describe('layers of a chart', () => {
  const rows = [
    { day: '2026-10-01', views: 3, downloads: 1 },
    { day: '2026-10-03', views: 2, downloads: null },
  ];
  test('have each day, even one without a row', () => {
    expect(layersOf(rows, 'day', DAYS, { views: 'Views', downloads: 'Downloads' })).toEqual([
      { name: 'Views', values: [3, 0, 2] },
      { name: 'Downloads', values: [1, 0, 0] },
    ]);
  });

  test('have a gap on a day with an unknown time', () => {
    expect(layersOf(rows, 'day', DAYS, { downloads: 'd' }, null)[0]?.values).toEqual([1, null, null]);
  });

  test('have the largest of many values, and the others together', () => {
    const many = DAYS.flatMap((day) => ['a', 'b', 'c', 'd'].map((name, index) => ({ day, component: name, n: index })));
    const layers = layersBy(many, 'day', DAYS, { metric: 'n', by: 'component', most: 2 });
    expect(layers).toEqual([
      { name: 'd', values: [3, 3, 3] },
      { name: 'c', values: [2, 2, 2] },
      { name: '2 others', values: [1, 1, 1] },
    ]);
  });

  test('have for the period before the columns of this one, whether it is shorter or longer', () => {
    expect(sumsOf(rows, 'day', DAYS, ['views', 'downloads'], 2)).toEqual([4, 0]);
    expect(sumsOf(rows, 'day', DAYS, ['views'], 4)).toEqual([3, 0, 2, 0]);
  });
});

test('a list of the most used has names if they are known, and shares of the largest', () => {
  const rows = [
    { dataset: 'a', downloads: 10, views: 1 },
    { dataset: 'b', downloads: 5, views: 2 },
    { dataset: 'constructor', downloads: 1, views: 0 },
    { dataset: null, downloads: 0, views: 0 },
  ];
  const ranked = rankedOf({ rows, names: { a: 'Soil' } }, 'dataset', 'downloads', ['downloads']);
  expect(ranked.map(({ id, name, share }) => [id, name, share])).toEqual([
    ['a', 'Soil', 1],
    ['b', 'b', 0.5],
    ['constructor', 'constructor', 0.1],
    [null, '(none)', 0],
  ]);
});

test('windows of the web server are summed up if there are more than fit', () => {
  const events = [3, 1, 2].map((minute) => ({
    window_start: minute * 60_000,
    requests: minute,
    responses_2xx: 1,
    component: 'nginx',
  }));
  expect(windowsOf(events, 10).map((window) => window['requests'])).toEqual([1, 2, 3]);
  expect(windowsOf(events, 2)).toEqual([
    { window_start: 60_000, requests: 3, responses_2xx: 2 },
    { window_start: 180_000, requests: 3, responses_2xx: 1 },
  ]);
});

describe('an extractor', () => {
  const reading = (target: string, more: Partial<Reading>): Reading => ({
    target,
    component: 'wordcount',
    probe: null,
    healthy: true,
    at_ms: 0,
    since_ms: 0,
    stale: false,
    error: null,
    measures: {},
    ...more,
  });
  test('has what the monitor reads about it, and what its jobs show', () => {
    const probes = [
      reading('extractor wordcount', { measures: { queue_length: 4 } }),
      reading('jobs of wordcount', { healthy: false, error: 'job j1 for 3 h' }),
      reading('queue error.wordcount', { measures: { queue_length: 99 } }),
    ];
    const jobs = [{ extractor: 'wordcount', jobs: 8, jobs_failed: 1, run_ms_p50: 20, run_ms_p95: 90 }];
    expect(extractorsOf(probes, jobs, [{ extractor: 'wordcount', jobs: 2 }])).toEqual([
      {
        name: 'wordcount',
        alive: true,
        waiting: 4,
        open: 2,
        jobs: 8,
        failed: 1,
        wait: [null, null],
        run: [20, 90],
        stuck: 'job j1 for 3 h',
      },
    ]);
  });

  test('comes first if it is silent, and is not called silent if it is not watched', () => {
    const probes = [reading('extractor quiet', { component: 'quiet', healthy: false })];
    const found = extractorsOf(probes, [{ extractor: 'busy', jobs: 100, jobs_failed: 0 }], []);
    expect(found.map(({ name, alive }) => [name, alive])).toEqual([
      ['quiet', false],
      ['busy', null],
    ]);
  });
});

describe('a question', () => {
  test('is a call that anybody can make, with every filter of the address', () => {
    const url = statsUrl({ metric: 'views,downloads', by: 'day', ...filtersOf({ who: 'bots', dataset: 'a b', x: '1' }), top: undefined }); // prettier-ignore
    expect(url).toBe('/api/v1/stats?metric=views,downloads&by=day&client=bot,ai_agent&reason=bot,ai_agent&dataset=a+b');
    expect(inFormat(url, 'csv')).toBe(`${url}&format=csv`);
  });

  test('about jobs leaves out clients, which jobs do not have', () => {
    expect(filtersOf({ who: 'people', dataset: 'd', referrer: 'h' }, 'jobs')).toEqual({ dataset: 'd' });
  });
});

describe('the live tail', () => {
  const event = (id: string, created: number, more: object = {}): ClowderEvent => ({
    event: 'file.uploaded',
    event_id: id,
    created,
    ...more,
  });
  test('has each event once, the newest first, and no more than it keeps', () => {
    const rows = rowsOf([event('c', 3), event('a', 1)], [event('a', 1), event('b', 2)], 2);
    expect(rows.map(({ event_id: id }) => id)).toEqual(['c', 'b']);
  });

  test('filters by fields, as the history does', () => {
    const one = event('a', 1, { source: 'proxy' });
    expect(matches(one, { type: 'file.deleted,file.uploaded', source: 'proxy' })).toBe(true);
    expect(matches(one, { type: 'file.deleted' })).toBe(false);
    expect(matches(one, { user_id: 'ann' })).toBe(false);
  });

  test('names the subject of an event by the best name that it has', () => {
    expect(subjectOf(event('a', 1, { resource_type: 'file', resource_id: 'f1', file_name: 'soil.csv' }))).toBe(
      'file soil.csv',
    );
    expect(subjectOf(event('a', 1))).toBe('');
  });
});
