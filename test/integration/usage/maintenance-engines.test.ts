import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportEvents } from '../../../usage/export.ts';
import { runUsage } from '../../../usage/process/run.ts';
import { makeReport } from '../../../usage/reports/report.ts';
import { checkRequest } from '../../../usage/reports/request.ts';
import { restatements } from '../../../usage/reports/restatements.ts';
import { loadSite } from '../../../usage/reports/settings.ts';
import { keepEntries, storedCatalog } from '../../../usage/catalog/catalog-table.ts';
import { counterSql } from '../../../usage/rules/metrics.ts';
import { openDuckdbStore } from '../../../usage/store/duckdb/store.ts';
import { openPostgresStore } from '../../../usage/store/postgresql/store.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';
import type { FromUsage } from '../../../usage/ask/messages.ts';
import { createLog } from '../../../runtime/logging.ts';
import { startPostgres, type PostgresServer } from '../../support/postgresql.ts';
import { download, page } from '../../support/usage/cases.ts';

let server: PostgresServer;
let dir: string;
let opened = 0;
beforeAll(async () => {
  server = await startPostgres();
  dir = await mkdtemp(join(tmpdir(), 'clowder-otel-engines-'));
});
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

const ENGINES = {
  duckdb: () => openDuckdbStore(),
  postgresql: () => {
    opened += 1;
    return openPostgresStore({ url: server.url(), schema: `maintained_${opened}`, statementTimeoutMs: 60_000 });
  },
} as const;

const PERIOD = { fromMs: Date.UTC(2026, 9, 1), toMs: Date.UTC(2026, 10, 1) };
const figuresOf = async (store: UsageStore): Promise<unknown> => {
  const from = await store.verdicts({ period: PERIOD, zone: 'UTC', code: 'rd1' });
  return store.engine.query(counterSql(from, { dataset: 'dataset_id', access: 'access' }));
};

const ana = {
  user_id: 'ana-7Q',
  user_name: 'Ana Forgotten',
  session_id: 'session-7Q',
  client_id: 'client-7Q',
  client_address: '198.51.100.0',
};
const EVENTS = [
  page('10:00:00', ana),
  page('10:00:10', ana),
  download('2026-09-05T11:00:00Z', { ...ana, author_id: 'ben' }),
  download('11:00:00', { ...ana, author_id: 'ben', author_name: 'Ben' }),
  page('12:00:00', { user_id: 'ben', author_id: 'ana-7Q', author_name: 'Ana Forgotten', trace_id: 'a'.repeat(32) }),
];

describe.each(Object.keys(ENGINES) as (keyof typeof ENGINES)[])('a store in %s', (name) => {
  async function withStore(work: (store: UsageStore) => Promise<void>): Promise<void> {
    const store = await ENGINES[name]();
    try {
      await store.ingest(EVENTS);
      await work(store);
    } finally {
      await store.close();
    }
  }
  const textOf = async (store: UsageStore, format: 'ndjson' | 'csv' = 'ndjson'): Promise<string> => {
    const out = join(dir, 'events');
    await exportEvents(store, { format, out, onProgress: () => undefined });
    return readFile(out, 'utf8');
  };

  test('forgets a user: nothing of them is left, and figures stay the same', async () => {
    await withStore(async (store) => {
      const before = await figuresOf(store);
      const told: (readonly [number, number])[] = [];
      expect(await store.forget('ana-7Q', (done, total) => told.push([done, total]))).toBe(5);
      expect(told.at(-1)).toEqual([5, 5]);
      expect(await figuresOf(store)).toEqual(before);
      expect(await textOf(store)).not.toMatch(/-7Q|Ana Forgotten|198\.51/);
      expect(await store.forget('ana-7Q')).toBe(0);
    });
  });

  test('exports each event complete, in the order of time', async () => {
    await withStore(async (store) => {
      const lines = (await textOf(store)).trimEnd().split('\n');
      const expected = EVENTS.toSorted((a, b) => a.created - b.created);
      expect(lines.map((line): unknown => JSON.parse(line))).toEqual(expected);
      expect((await textOf(store, 'csv')).split('\r\n')).toHaveLength(EVENTS.length + 2);
    });
  });

  test('has the same figures after a rebuild, and reports its progress', async () => {
    await withStore(async (store) => {
      const before = await figuresOf(store);
      const told: (readonly [number, number])[] = [];
      await store.rebuild((done, total) => told.push([done, total]));
      expect(told.at(-1)).toEqual([5, 5]);
      expect(await figuresOf(store)).toEqual(before);
    });
  });

  test('keeps a catalog, and reported figures with what has changed since', async () => {
    await withStore(async (store) => {
      const entry = JSON.stringify({ dataset_id: 'd1', title: "It's d1" });
      await keepEntries(store, [{ id: 'd1', state: 'found', entry, etag: null, fetchedMs: 1 }]);
      await keepEntries(store, [{ id: 'd1', state: 'found', entry, etag: '"2"', fetchedMs: 2 }]);
      expect([...(await storedCatalog(store)).values()]).toEqual([{ dataset_id: 'd1', title: "It's d1" }]);
      const report = async (nowMs: number): Promise<string> => {
        const request = checkRequest({ kind: 'ir', from: '2026-10', to: '2026-10', timeZone: 'UTC' }, nowMs);
        const { report: made } = await makeReport({ store, request, site: loadSite({}), reportedMs: nowMs });
        return JSON.stringify(made.json);
      };
      expect(await report(Date.UTC(2026, 10, 2))).toContain("It's d1");
      await store.ingest([page('2026-10-30T10:00:00Z', { user_id: 'ben' })]);
      await report(Date.UTC(2026, 10, 9));
      // Investigations 3 to 4: 10:00:10, the download and ben's page, now another session of his. Unique 3 to 4.
      expect((await restatements(store)).map(({ metric, before, after, why }) => [metric, before, after, why])).toEqual(
        [
          ['total_investigations', 3, 4, 'events'],
          ['unique_investigations', expect.any(Number), expect.any(Number), 'events'],
        ],
      );
    });
  });
});

test('a store filled by the sink counts up to the latest event whose clock is not fast', async () => {
  const store = await ENGINES.postgresql();
  const now = Date.now();
  await store.ingest([
    page(new Date(now - 60_000).toISOString(), {}),
    page(new Date(now + 3_600_000).toISOString(), {}),
  ]);
  const { promise, resolve } = Promise.withResolvers<FromUsage>();
  const running = runUsage({
    store,
    asker: { send: resolve, onMessage: () => undefined },
    site: () => loadSite({}),
    clock: {
      now: () => now,
      wait: (_ms, signal) =>
        new Promise((done) => {
          if (signal.aborted) done();
          signal.addEventListener('abort', () => done());
        }),
    },
    log: await createLog('clowder-otel-usage', { level: 'silent', format: 'json' }),
  });
  expect(await promise).toEqual({
    state: { missedRows: 0, countedUntilMs: now - 60_000, alerts: [] },
  });
  await running.stop();
});
