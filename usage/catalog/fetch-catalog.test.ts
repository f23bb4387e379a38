import { afterAll, beforeEach, afterEach, describe, expect, test } from 'vitest';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { download, event, page } from '../../test/support/usage/cases.ts';
import { seedId } from '../../test/stand-in/seeds.ts';
import { createStandIn } from '../../test/stand-in/server.ts';
import { HOUR_MS } from '../rules/time-zone.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { clowderCatalog, type ClowderOptions } from './clowder.ts';
import { keptEntries, storedCatalog } from './catalog-table.ts';
import { fetchCatalog, type Fetched, type FetchOptions } from './fetch-catalog.ts';

const at = async (): Promise<void> => undefined;
const [PLAIN, PRIVATE] = [seedId('dataset', 200), seedId('dataset', 201, 'private')];
const ana = { user_id: 'ana' };

let store: UsageStore;
let now: number;
beforeEach(async () => {
  store = await openDuckdbStore();
  now = Date.UTC(2026, 10, 29);
});
afterEach(() => store.close());

function fetchFrom(
  options: Pick<ClowderOptions, 'url' | 'version'> & Partial<ClowderOptions>,
  more: Partial<FetchOptions> = {},
): Promise<Fetched> {
  return fetchCatalog({
    store,
    clowder: clowderCatalog({ turn: at, now: () => now, ...options }),
    maxAgeMs: 24 * HOUR_MS,
    concurrent: 2,
    clock: { now: () => now, wait: async (ms) => void (now += ms) },
    random: () => 1,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...more,
  });
}

/** A server on a port of its own, by URL. */
async function listening(server: Server): Promise<string> {
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

function end(server: Server): void {
  server.close();
  server.closeAllConnections();
}

describe('a catalog from Clowder', () => {
  const servers: Server[] = [];
  afterAll(() => servers.forEach(end));

  test.each([
    // The stand-in for v1 shows every dataset; that for v2 shows only public ones without a key.
    ['v1', { fetched: 2, gone: 1, forbidden: 0, placed: 0 }],
    ['v2', { fetched: 1, gone: 2, forbidden: 0 }],
  ] as const)('%s has what Clowder knows about the datasets that occur', async (version, expected) => {
    const file = seedId('file', 1);
    await store.ingest([
      page('10:00:00', ana, PLAIN),
      download('10:05:00', ana, 'f1', PRIVATE),
      page('10:10:00', ana, seedId('dataset', 7, 'plain').replace(/^da7a/, 'ffff')),
      event('view.download', '10:20:00', { ...ana, resource_type: 'file', resource_id: file }),
    ]);
    const server = createStandIn({ version }).listen(0, '127.0.0.1');
    servers.push(server);
    const url = await listening(server);
    const fetched = await fetchFrom({ url, version });
    expect(fetched).toMatchObject({ ...expected, failed: 0, fresh: 0, same: 0 });
    const catalog = await storedCatalog(store);
    expect(catalog.get(PLAIN)).toMatchObject({
      dataset_id: PLAIN,
      title: expect.stringMatching(/./),
      access: 'Open',
      url: expect.stringContaining(PLAIN),
    });
    // Fresh enough: nothing is requested again before the age is reached.
    expect(await fetchFrom({ url: 'http://127.0.0.1:1', version })).toMatchObject({
      fetched: 0,
      fresh: fetched.datasets,
    });
  });
});

describe('a fetched catalog', () => {
  let server: Server;
  let answer: RequestListener;
  let asked: string[];
  let url: string;
  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(`${String(request.headers['x-api-key'] ?? 'nobody')} ${request.url}`);
      answer(request, response);
    }).listen(0, '127.0.0.1');
    url = await listening(server);
  });
  afterEach(() => end(server));
  const datasets = async (...ids: readonly string[]): Promise<void> =>
    void (await store.ingest(ids.map((id, index) => page(`10:${String(index).padStart(2, '0')}:00`, ana, id))));
  const send = (response: Parameters<RequestListener>[1], status: number, body: unknown, headers = {}): void =>
    void response.writeHead(status, headers).end(JSON.stringify(body));

  test('has from v1 who made a dataset, when, and whether it is public, and places its files', async () => {
    answer = (request, response) => {
      const path = request.url ?? '';
      if (path === '/api/datasets/d1')
        return request.headers['x-api-key'] === 'key'
          ? send(response, 200, {
              id: 'd1',
              name: 'Rivers',
              created: 'Mon Nov 23 10:00:00 UTC 2020',
              authorId: 'u1',
              spaces: ['s1', 's2'],
            })
          : send(response, 403, {});
      if (path === '/api/users/u1') return send(response, 200, { id: 'u1', fullName: 'Ana Lima' });
      return send(response, 200, [{ id: 'f1' }, { id: 'f9' }]);
    };
    await datasets('d1');
    await store.ingest([event('view.download', '11:00:00', { ...ana, resource_type: 'file', resource_id: 'f9' })]);
    expect(await fetchFrom({ url, version: 'v1', apiKey: 'key' })).toMatchObject({ datasets: 1, fetched: 1 });
    expect((await storedCatalog(store)).get('d1')).toEqual({
      dataset_id: 'd1',
      title: 'Rivers',
      creators: [{ name: 'Ana Lima' }],
      year: 2020,
      access: 'Controlled',
      url: `${url}/datasets/d1`,
      space_id: 's1',
      files: ['f1', 'f9'],
    });
    // No event says where f9 is, but the catalog does.
    const period = { fromMs: Date.UTC(2026, 9), toMs: Date.UTC(2026, 10) };
    const from = await store.verdicts({ period, zone: 'UTC', code: 'r51' });
    expect(await store.engine.query(`SELECT dataset_id, attribution FROM ${from} v WHERE resource_id = 'f9'`)).toEqual([
      { dataset_id: 'd1', attribution: 'catalog' },
    ]);
  });

  test('has from v2 the DOI, and the dataset of a file', async () => {
    answer = (request, response) => {
      const path = request.url ?? '';
      if (path.startsWith('/api/v2/files/')) return send(response, 200, { id: 'f9', dataset_id: 'd2' });
      if (path.includes('/files')) return send(response, 200, { metadata: { total_count: 1 }, data: [{ id: 'f9' }] });
      const creator = { first_name: 'Ana', last_name: 'Lima' };
      return send(response, 200, { id: 'd2', name: 'Lakes', status: 'AUTHENTICATED', created: '2021-05-01T00:00:00', creator, doi: 'https://doi.org/10.5072/lakes' }); // prettier-ignore
    };
    await store.ingest([event('view.download', '11:00:00', { ...ana, resource_type: 'file', resource_id: 'f9' })]);
    expect(await fetchFrom({ url, version: 'v2', apiKey: 'key' })).toMatchObject({
      datasets: 1,
      fetched: 1,
      placed: 1,
    });
    expect((await storedCatalog(store)).get('d2')).toMatchObject({
      title: 'Lakes',
      creators: [{ name: 'Lima, Ana' }],
      year: 2021,
      doi: '10.5072/lakes',
      access: 'Controlled',
      files: ['f9'],
    });
  });

  test('is requested again with its ETag once it is old, and kept if nothing is new', async () => {
    answer = (request, response) => {
      if (request.headers['if-none-match'] === '"1"') return void response.writeHead(304).end();
      return send(response, 200, request.url?.endsWith('/files') === true ? [] : { id: 'd1', name: 'Rivers' }, { etag: '"1"' }); // prettier-ignore
    };
    await datasets('d1');
    await fetchFrom({ url, version: 'v1' });
    now += 25 * HOUR_MS;
    asked.length = 0;
    expect(await fetchFrom({ url, version: 'v1' })).toMatchObject({ fetched: 0, same: 1 });
    expect(asked).toEqual(['nobody /api/datasets/d1']);
    expect((await storedCatalog(store)).get('d1')).toMatchObject({ title: 'Rivers' });
  });

  test('continues where it broke off, and leaves out what Clowder fails to answer', async () => {
    let isAway = false;
    answer = (request, response) => {
      if (isAway) return void response.destroy();
      const id = /datasets\/(\w+)/.exec(request.url ?? '')?.[1];
      if (id === 'd2') return send(response, 500, {});
      if (id === 'd3') isAway = true;
      return send(response, 200, request.url?.endsWith('/files') === true ? [] : { id, name: `Name of ${id}` });
    };
    const ids = Array.from({ length: 9 }, (_, index) => `d${index + 1}`);
    await datasets(...ids);
    await expect(fetchFrom({ url, version: 'v1' }, { concurrent: 1 })).rejects.toThrow(`${url} does not answer`);
    expect([...(await keptEntries(store)).keys()]).toEqual(['d1']);
    answer = (request, response) =>
      request.url?.includes('d2') === true
        ? send(response, 500, {})
        : send(response, 200, request.url?.endsWith('/files') === true ? [] : { id: 'd', name: 'Name' });
    expect(await fetchFrom({ url, version: 'v1' })).toMatchObject({ datasets: 9, fetched: 7, fresh: 1, failed: 1 });
  });

  test('waits as long as Clowder asks, and recognises a server that is not Clowder', async () => {
    let times = 0;
    answer = (_request, response) => {
      times += 1;
      if (times === 1) return send(response, 429, {}, { 'retry-after': '30' });
      return send(response, 200, { error: 'what?' });
    };
    await datasets('d1', 'd2', 'd3', 'd4', 'd5');
    const before = now;
    await expect(fetchFrom({ url, version: 'v1' }, { concurrent: 1 })).rejects.toThrow(
      'answered something else than this version of Clowder does',
    );
    expect(now - before).toBeGreaterThanOrEqual(30_000);
  });
});
