import { afterEach, describe, expect, test } from 'vitest';
import { download, event, page } from '../../test/support/usage/cases.ts';
import { statsQuery } from '../ask/question.ts';
import { answerStats } from '../stats/answer.ts';
import type { StoredEvent } from '../store/columns.ts';
import { openDuckdbStore, type DuckdbStoreOptions } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_POLICY, policyOf } from './policy.ts';

let stores: UsageStore[] = [];
afterEach(async () => {
  for (const store of stores) await store.close();
  stores = [];
});

async function storeOf(events: readonly StoredEvent[], options: DuckdbStoreOptions = {}): Promise<UsageStore> {
  const store = await openDuckdbStore(options);
  stores.push(store);
  await store.ingest(events);
  return store;
}

async function rowsOf(store: UsageStore, query: Record<string, string>): Promise<unknown> {
  const asked = statsQuery.parse({ from: '2026-10', to: '2026-10', metric: 'views', ...query });
  return (await answerStats(store, asked, undefined)).rows;
}

const SETTINGS = { USAGE_MANY_DATASETS: 200, USAGE_MANY_DOWNLOADS: 1000, USAGE_STEADY_EVENTS: 100 };
const at = (address: string) => ({ client_address: address, client_id: `c ${address}` });

describe('use by own staff and tests', () => {
  const events = [
    page('10:00:00', { user_id: 'ana' }),
    page('10:00:00', { user_id: 'u7', user_name: 'Smoke Test' }),
    page('10:00:00', at('10.1.2.0')),
    page('10:00:00', at('2001:db8:7::')),
    page('10:00:00', at('192.0.2.0')),
    page('10:00:00', { client_id: 'c9', user_agent: 'Mozilla/5.0 (X11) Our-Smoke/2 Firefox/128.0' }),
  ];
  const policy = policyOf({
    ...SETTINGS,
    USAGE_EXCLUDE_USERS: 'u8, Smoke Test',
    USAGE_EXCLUDE_NETWORKS: '10.0.0.0/8, 2001:db8::/32',
    USAGE_EXCLUDE_AGENTS: 'our-smoke',
  });
  // Of six views, those of the user, two networks and the agent are excluded; Ana and 192.0.2.0 stay.
  const expected = [
    { reason: 'counted', views: 2 },
    { reason: 'excluded_network', views: 2 },
    { reason: 'excluded_agent', views: 1 },
    { reason: 'excluded_user', views: 1 },
  ];

  test("is excluded by the site's rules, with the rule as the reason", async () => {
    expect(await rowsOf(await storeOf(events, { policy }), { by: 'reason' })).toEqual(expected);
  });

  test('is judged again for the past too if the rules change, and again if they change back', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'clowder-otel-policy-'));
    try {
      const path = join(dir, 'usage.duckdb');
      const ask = async (options: DuckdbStoreOptions): Promise<unknown> => {
        const store = await storeOf([], { path, ...options });
        const rows = await rowsOf(store, { by: 'reason' });
        await store.close();
        stores = [];
        return rows;
      };
      const first = await storeOf(events, { path });
      await first.close();
      stores = [];
      expect(await ask({})).toEqual([{ reason: 'counted', views: 6 }]);
      expect(await ask({ policy })).toEqual(expected);
      expect(await ask({})).toEqual([{ reason: 'counted', views: 6 }]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  test('makes no double click with counted use', async () => {
    const clicks = [
      page('10:00:00', { client_id: 'c' }),
      page('10:00:10', { client_id: 'c', user_name: 'Smoke Test' }),
    ];
    expect(await rowsOf(await storeOf(clicks, { policy }), { by: 'reason' })).toEqual([
      { reason: 'counted', views: 1 },
      { reason: 'excluded_user', views: 1 },
    ]);
  });
});

describe('behaviour', () => {
  const behaviour = { datasets: 3, downloads: 4, steady: 5 };
  const policy = { ...DEFAULT_POLICY, behaviour };
  const time = (seconds: number): string => new Date(Date.UTC(2026, 9, 5, 10) + seconds * 1000).toISOString();
  const views = (user: string, seconds: readonly number[], datasets: number): StoredEvent[] =>
    seconds.map((second, index) => page(time(second), { user_id: user }, `d${index % datasets}`));

  test('beyond the limits of a day is flagged, and still counted', async () => {
    const store = await storeOf(
      [
        // 3 datasets are allowed, 4 are too many. The pauses 40, 90 and 300 s are not a steady rate.
        ...views('ana', [0, 40, 130, 430], 3),
        ...views('ben', [0, 40, 130, 430], 4),
        // 4 downloads are allowed, 5 are too many.
        ...[0, 40, 130, 430].map((second, n) => download(time(second), { user_id: 'cleo' }, `f${n}`)),
        ...[0, 40, 130, 430, 500].map((second, n) => download(time(second), { user_id: 'dan' }, `f${n}`)),
      ],
      { policy },
    );
    expect(await rowsOf(store, { metric: 'investigations', by: 'behaviour,user' })).toEqual([
      { behaviour: 'many_downloads', user: 'dan', investigations: 5 },
      { behaviour: 'many_datasets', user: 'ben', investigations: 4 },
      { behaviour: 'ordinary', user: 'ana', investigations: 4 },
      { behaviour: 'ordinary', user: 'cleo', investigations: 4 },
    ]);
    expect(await rowsOf(store, { metric: 'investigations', by: 'reason', behaviour: 'ordinary' })).toEqual([
      { reason: 'counted', investigations: 8 },
    ]);
  });

  test('at a rate that no person has is flagged', async () => {
    // Pauses 60, 62, 58, 60: mean 60, spread √2 ≈ 1.41, a fortieth. Pauses 30, 90, 40, 80: mean 60, spread 25.5.
    const store = await storeOf(
      [...views('robot', [0, 60, 122, 180, 240], 2), ...views('ana', [0, 30, 120, 160, 240], 2)],
      { policy },
    );
    expect(await rowsOf(store, { metric: 'events', by: 'behaviour,user' })).toEqual([
      { behaviour: 'ordinary', user: 'ana', events: 5 },
      { behaviour: 'steady_rate', user: 'robot', events: 5 },
    ]);
  });

  test('is flagged at a spread of a tenth of the mean, and not beyond it', async () => {
    // Pauses 90, 110, 90, 110: mean 100, spread 10, a tenth. Pauses 89, 111, 89, 111: spread 11.
    const store = await storeOf(
      [...views('robot', [0, 90, 200, 290, 400], 2), ...views('ana', [0, 89, 200, 289, 400], 2)],
      { policy },
    );
    expect(await rowsOf(store, { metric: 'events', by: 'behaviour,user' })).toEqual([
      { behaviour: 'ordinary', user: 'ana', events: 5 },
      { behaviour: 'steady_rate', user: 'robot', events: 5 },
    ]);
  });

  test('is judged for each day alone', async () => {
    const onNext = views(
      'ben',
      [0, 40, 130, 430].map((second) => second + 86_400),
      4,
    );
    const store = await storeOf([...views('ben', [0, 40, 130], 3), ...onNext], { policy });
    expect(await rowsOf(store, { metric: 'events', by: 'day,behaviour' })).toEqual([
      { day: '2026-10-05', behaviour: 'ordinary', events: 3 },
      { day: '2026-10-06', behaviour: 'many_datasets', events: 4 },
    ]);
  });

  test('is not flagged for robots, which are excluded already', async () => {
    const crawl = [0, 60, 120, 180, 240].map((second) => page(time(second), { client_id: 'x', user_agent: 'Googlebot/2.1' })); // prettier-ignore
    expect(await rowsOf(await storeOf(crawl, { policy }), { by: 'reason,behaviour' })).toEqual([
      { reason: 'bot', behaviour: 'ordinary', views: 5 },
    ]);
  });
});

describe('the place of a resource', () => {
  test('is for a dataset the space in which it was seen, from then on until it is seen in another', async () => {
    const seen = (time: string, space: string): StoredEvent =>
      event('dataset.created', time, { resource_type: 'dataset', resource_id: 'd1', space_id: space });
    const store = await storeOf([
      // Before its first sighting it counts for the first space.
      page('2026-10-04T10:00:00Z', { user_id: 'ana' }),
      seen('2026-10-05T10:00:00Z', 's1'),
      page('2026-10-06T10:00:00Z', { user_id: 'ana' }),
      seen('2026-10-07T10:00:00Z', 's2'),
      page('2026-10-08T10:00:00Z', { user_id: 'ana' }),
      page('2026-10-08T11:00:00Z', { user_id: 'ana' }, 'd2'),
    ]);
    expect(await rowsOf(store, { by: 'space' })).toEqual([
      { space: 's1', views: 2 },
      { space: null, views: 1 },
      { space: 's2', views: 1 },
    ]);
    expect(await rowsOf(store, { by: 'dataset', space: '(none)' })).toEqual([{ dataset: 'd2', views: 1 }]);
    expect(await rowsOf(store, { by: 'dataset', space: '(none),s2' })).toEqual([
      { dataset: 'd1', views: 1 },
      { dataset: 'd2', views: 1 },
    ]);
  });

  test('also applies to earlier events if it is seen only later', async () => {
    const store = await storeOf([page('2026-10-04T10:00:00Z', { user_id: 'ana' })]);
    expect(await rowsOf(store, { by: 'space' })).toEqual([{ space: null, views: 1 }]);
    await store.ingest([
      event('dataset.created', '2026-10-09T10:00:00Z', { resource_type: 'dataset', resource_id: 'd1', space_id: 's1' }),
    ]);
    expect(await rowsOf(store, { by: 'space' })).toEqual([{ space: 's1', views: 1 }]);
  });

  test('comes from the catalog if no event has it: the space and the collection', async () => {
    const store = await storeOf([
      page('10:00:00', { user_id: 'ana' }),
      event('view.resource', '10:05:00', { user_id: 'ana', resource_type: 'collection', resource_id: 'c1' }),
      event('view.resource', '10:06:00', { user_id: 'ana', resource_type: 'space', resource_id: 's9' }),
    ]);
    await store.place({ files: [], datasets: [{ dataset: 'd1', space: 's1', collection: 'c1' }] });
    expect(await rowsOf(store, { by: 'collection' })).toEqual([
      { collection: 'c1', views: 2 },
      { collection: null, views: 1 },
    ]);
    expect(await rowsOf(store, { by: 'space' })).toEqual([
      { space: null, views: 1 },
      { space: 's1', views: 1 },
      { space: 's9', views: 1 },
    ]);
  });

  test('is for a user the country of the address, if a table of countries is given', async () => {
    const countries = { id: '1', countryOf: (address: string) => (address.startsWith('10.') ? 'DE' : undefined) };
    const events = [page('10:00:00', at('10.1.2.0')), page('10:00:00', at('192.0.2.0')), page('10:00:00', {})];
    expect(await rowsOf(await storeOf(events, { countries }), { by: 'country' })).toEqual([
      { country: null, views: 2 },
      { country: 'DE', views: 1 },
    ]);
  });
});
