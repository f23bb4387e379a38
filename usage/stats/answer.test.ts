import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download, event, page } from '../../test/support/usage/cases.ts';
import type { StatsAnswer } from '../ask/answer.ts';
import { statsQuery } from '../ask/question.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { answerStats } from './answer.ts';

const ana = { user_id: 'ana' };
const ben = { user_id: 'ben' };
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

const job = (type: string, time: string, fields: Record<string, string | number>) =>
  event(`extraction.${type}`, time, {
    extractor_name: 'ncsa.csv',
    resource_type: 'file',
    resource_id: 'f1',
    ...fields,
  });
const reading = (time: string, healthy: boolean, ms: number) =>
  event('health.ping', time, { component: 'clowder', target: 'http://c/', healthy, response_time_ms: ms });

/** September: 1 view. October: 3 views by two people, 2 downloads and one that broke off, a robot, a double click. */
const EVENTS = [
  page('2026-09-30T12:00:00Z', ana, 'd1'),
  page('2026-10-05T10:00:00Z', ana, 'd1'),
  page('2026-10-05T10:00:10Z', ana, 'd1'),
  page('2026-10-05T11:00:00Z', ben, 'd1'),
  page('2026-10-06T02:00:00Z', ben, 'd2'),
  page('2026-10-06T12:00:00Z', { client_id: 'c9', user_agent: GOOGLEBOT }, 'd3'),
  download('2026-10-05T10:01:00Z', { ...ana, bytes: 100, referrer: 'https://doi.org/10.5/1' }, 'f1', 'd1'),
  download('2026-10-05T10:02:00Z', { ...ana, bytes: 200 }, 'f2', 'd1'),
  download('2026-10-06T10:03:00Z', { ...ben, bytes: 50, complete: false }, 'f3', 'd2'),
  event('file.uploaded', '2026-10-06T09:00:00Z', {
    ...ana,
    resource_type: 'file',
    resource_id: 'f4',
    file_id: 'f4',
    dataset_id: 'd2',
    bytes: 7,
  }),
  job('queued', '2026-10-05T10:00:00Z', { job_id: '1' }),
  job('working', '2026-10-05T10:00:02Z', { job_id: '1' }),
  job('done', '2026-10-05T10:00:12Z', { job_id: '1' }),
  job('queued', '2026-10-05T11:00:00Z', { job_id: '2' }),
  job('working', '2026-10-05T11:00:04Z', { job_id: '2' }),
  job('failed', '2026-10-05T11:00:24Z', { job_id: '2' }),
  reading('2026-09-05T10:00:00Z', false, 10),
  reading('2026-09-05T11:00:00Z', true, 10),
  reading('2026-10-05T10:00:00Z', true, 10),
  reading('2026-10-05T10:01:00Z', true, 30),
  reading('2026-10-05T10:02:00Z', false, 500),
  reading('2026-10-05T10:03:00Z', true, 20),
];

let store: UsageStore;
beforeAll(async () => {
  store = await openDuckdbStore();
  await store.ingest(EVENTS);
});
afterAll(async () => store.close());

const ask = async (query: Record<string, string>): Promise<StatsAnswer> =>
  answerStats(store, statsQuery.parse({ from: '2026-10', to: '2026-10', ...query }), Date.UTC(2026, 9, 31));

describe('statistics', () => {
  test('count views, downloads and bytes of counted use', async () => {
    // Views: ana's double click is one, ben's two, the robot's none. Downloads: f1 and f2. f3 broke off, but its 50 bytes were
    // sent. Visitors: ana and ben.
    const { totals, rows, counted_until } = await ask({
      metric: 'views,downloads,bytes,uploads,bytes_uploaded,visitors',
    });
    expect(totals).toEqual({ views: 3, downloads: 2, bytes: 350, uploads: 1, bytes_uploaded: 7, visitors: 2 });
    expect(rows).toEqual([]);
    expect(counted_until).toBe('2026-10-31T00:00:00.000Z');
  });

  test('count investigations and requests like the reports', async () => {
    // Investigations: 3 pages and 3 downloads. Sessions: ana at 10 (d1), ben at 11 (d1), ben at 2 and at 10 on the 6th (d2).
    const { totals } = await ask({ metric: 'investigations,unique_investigations,requests,unique_requests' });
    expect(totals).toEqual({ investigations: 6, unique_investigations: 4, requests: 2, unique_requests: 1 });
  });

  test('give a reason for uncounted events, so that the classes add up', async () => {
    const { rows } = await ask({ metric: 'views', by: 'reason' });
    expect(rows).toEqual([
      { reason: 'counted', views: 3 },
      { reason: 'bot', views: 1 },
      { reason: 'repeat', views: 1 },
    ]);
  });

  test('can be divided by day in the time zone', async () => {
    // 2:00 UTC on the 6th is 21:00 on the 5th in Chicago.
    const { rows } = await ask({ metric: 'views,downloads', by: 'day', time_zone: 'America/Chicago' });
    expect(rows).toEqual([{ day: '2026-10-05', views: 3, downloads: 2 }]);
  });

  test('can be divided by dataset, user, referrer and more at once', async () => {
    expect((await ask({ metric: 'investigations', by: 'dataset,user' })).rows).toEqual([
      { dataset: 'd1', user: 'ana', investigations: 3 },
      { dataset: 'd2', user: 'ben', investigations: 2 },
      { dataset: 'd1', user: 'ben', investigations: 1 },
    ]);
    expect((await ask({ metric: 'downloads', by: 'referrer', type: 'view.download' })).rows).toEqual([
      { referrer: null, downloads: 1 },
      { referrer: 'doi.org', downloads: 1 },
    ]);
  });

  test('can be filtered by several values of a dimension', async () => {
    expect((await ask({ metric: 'views', user: 'ben,nobody' })).totals).toEqual({ views: 2 });
    expect((await ask({ metric: 'views', reason: 'bot,repeat' })).totals).toEqual({ views: 2 });
    expect((await ask({ metric: 'views', dataset: "it's none" })).totals).toEqual({ views: 0 });
  });

  test('give the largest first, and the others as one row', async () => {
    const { rows } = await ask({ metric: 'views,visitors', by: 'dataset', top: '1' });
    // d1: two views by two people. The only other dataset with a view is d2.
    expect(rows).toEqual([
      { dataset: 'd1', views: 2, visitors: 2 },
      { dataset: '(others)', views: 1, visitors: 1 },
    ]);
  });

  test('can be compared with the month before', async () => {
    const { totals, rows, before } = await ask({ metric: 'views', by: 'dataset', compare: 'before' });
    expect(totals).toEqual({ views: 3 });
    expect(before).toEqual({
      period: { from: '2026-09-01T00:00:00.000Z', to: '2026-10-01T00:00:00.000Z' },
      totals: { views: 1 },
    });
    expect(rows).toEqual([
      { dataset: 'd1', views: 2, views_before: 1 },
      { dataset: 'd2', views: 1, views_before: 0 },
    ]);
  });

  test('give the waiting and running times of jobs', async () => {
    // Waits of 2 and 4 s, runs of 10 and 20 s: the median is in the middle, the 95th percentile 0.95 of the way.
    const { totals, rows } = await ask({ metric: 'jobs,jobs_failed,wait_ms_p50,run_ms_p50,run_ms_p95', by: 'outcome' });
    expect(totals).toEqual({ jobs: 2, jobs_failed: 1, wait_ms_p50: 3000, run_ms_p50: 15_000, run_ms_p95: 19_500 });
    expect(rows).toEqual([
      { outcome: 'done', jobs: 1, jobs_failed: 0, wait_ms_p50: 2000, run_ms_p50: 10_000, run_ms_p95: 10_000 },
      { outcome: 'failed', jobs: 1, jobs_failed: 1, wait_ms_p50: 4000, run_ms_p50: 20_000, run_ms_p95: 20_000 },
    ]);
  });

  test('give uptime and response time of what the monitor probes', async () => {
    // Three of four were healthy. 10, 20, 30 and 500 ms: 25 in the middle, and 30 + 0.85 × 470 at 0.95.
    const { rows } = await ask({ metric: 'uptime_percent,response_time_ms_p50,response_time_ms_p95', by: 'component' });
    expect(rows).toEqual([
      { component: 'clowder', uptime_percent: 75, response_time_ms_p50: 25, response_time_ms_p95: 429.5 },
    ]);
  });

  test('give 0 as the uptime of an hour in which nothing was up', async () => {
    const { rows } = await ask({ metric: 'uptime_percent', by: 'hour', from: '2026-09', to: '2026-09' });
    expect(rows).toEqual([
      { hour: '2026-09-05T10', uptime_percent: 0 },
      { hour: '2026-09-05T11', uptime_percent: 100 },
    ]);
  });

  test.each([
    [{ metric: 'views', by: 'component' }, 'views cannot be divided or filtered by component'],
    [{ metric: 'uptime_percent', user: 'ana' }, 'uptime_percent cannot be divided or filtered by user'],
    [{ metric: 'jobs', by: 'reason' }, 'jobs and readings have no reason'],
    [{ metric: 'views', by: 'day', compare: 'before' }, 'compare=before is for rows without hour, day and month'],
    [{ metric: 'views', top: '3' }, 'top needs by'],
    [{ metric: 'views', from: '2026-11' }, 'from must be before to'],
  ])('refuse %j, and say why', async (query, message) => {
    await expect(ask(query)).rejects.toMatchObject({
      code: 'invalid_query',
      message: expect.stringContaining(message),
    });
  });
});

describe('a question', () => {
  test.each([
    [{ metric: 'looks' }],
    [{ metric: '' }],
    [{ metric: 'views,views' }],
    [{ metric: 'views', by: 'colour' }],
    [{ metric: 'views', time_zone: 'Mars/Olympus' }],
    [{ metric: 'views', time_zone: "UTC'; DROP TABLE events; --" }],
    [{ metric: 'views', from: '2026-13' }],
    [{ metric: 'views', from: 'yesterday' }],
    [{ metric: 'views', top: '0' }],
  ])('is refused: %j', (query) => {
    expect(statsQuery.safeParse({ from: '2026-10', to: '2026-10', ...query }).success).toBe(false);
  });
});
