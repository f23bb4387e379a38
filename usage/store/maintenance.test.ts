import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runs } from '../../test/support/form.ts';
import { anyUsage } from '../../test/support/usage/arbitrary.ts';
import { download, page } from '../../test/support/usage/cases.ts';
import { statsQuery } from '../ask/question.ts';
import { exportEvents } from '../export.ts';
import { parseEventLine } from '../input/event-line.ts';
import { counterSql } from '../rules/metrics.ts';
import { answerStats } from '../stats/answer.ts';
import { openDuckdbStore } from './duckdb/store.ts';
import type { UsageStore } from './usage-store.ts';

const PERIOD = { fromMs: Date.UTC(2026, 9, 5), toMs: Date.UTC(2026, 9, 6) };

async function figuresOf(store: UsageStore): Promise<unknown> {
  const from = await store.verdicts({ period: PERIOD, zone: 'UTC', code: 'rd1' });
  return [
    await store.engine.query(counterSql(from, { dataset: 'dataset_id', access: 'access' })),
    await store.engine.query(
      `SELECT reason, client, client_reason, count(*) AS n FROM ${from} v GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
    ),
  ];
}

let dir: string;
let stores: UsageStore[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-usage-'));
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(dir, { recursive: true, force: true });
});

async function open(path?: string): Promise<UsageStore> {
  const store = await openDuckdbStore({ path });
  stores.push(store);
  return store;
}

test('a rebuilt store has the same figures as before', async () => {
  await fc.assert(
    fc.asyncProperty(anyUsage, async (events) => {
      const store = await openDuckdbStore();
      await store.ingest(events);
      const before = await figuresOf(store);
      await store.rebuild();
      expect(await figuresOf(store)).toEqual(before);
      await store.close();
    }),
    runs(50, 6),
  );
});

describe('facts computed before', () => {
  const reasons = async (store: UsageStore): Promise<unknown> => {
    const period = { fromMs: Date.UTC(2026, 9, 5), toMs: Date.UTC(2026, 9, 7) };
    const from = await store.verdicts({ period, zone: 'UTC', code: 'r51' });
    return store.engine.query(`SELECT reason, dataset_id FROM ${from} v ORDER BY created`);
  };

  test('are computed again if a double click follows on the next day', async () => {
    const store = await open();
    await store.ingest([page('2026-10-05T23:59:50Z', { user_id: 'ana' })]);
    expect(await reasons(store)).toEqual([{ reason: 'counted', dataset_id: 'd1' }]);
    await store.ingest([page('2026-10-06T00:00:10Z', { user_id: 'ana' })]);
    expect(await reasons(store)).toEqual([
      { reason: 'repeat', dataset_id: 'd1' },
      { reason: 'counted', dataset_id: 'd1' },
    ]);
    expect(await store.engine.query('SELECT count(*) AS days FROM stale_days')).toEqual([{ days: 0 }]);
  });

  test("are computed again if a file's dataset becomes known later", async () => {
    const store = await open();
    const { dataset_id: _, ...unplaced } = download('2026-10-05T10:00:00Z', { user_id: 'ana' }, 'f9');
    await store.ingest([unplaced]);
    expect(await reasons(store)).toEqual([{ reason: 'counted', dataset_id: null }]);
    await store.ingest([download('2026-10-06T10:00:00Z', { user_id: 'ben' }, 'f9', 'd9')]);
    expect(await reasons(store)).toEqual([
      { reason: 'counted', dataset_id: 'd9' },
      { reason: 'counted', dataset_id: 'd9' },
    ]);
  });

  test('are kept for days without news: a batch makes only its own days and the day before stale', async () => {
    const store = await open();
    await store.ingest([page('2026-10-05T10:00:00Z', {}), page('2026-10-06T00:00:10Z', {})]);
    const days = [Date.UTC(2026, 9, 5), Date.UTC(2026, 9, 6)].map((ms) => ({ day: ms / 86_400_000 }));
    expect(await store.engine.query('SELECT day FROM stale_days ORDER BY day')).toEqual(days);
  });
});

test('a rebuild keeps the dataset of a file, even if retention deleted the event that had it', async () => {
  const store = await open();
  const { dataset_id: _, ...unplaced } = download('10:00:00', { user_id: 'ana' }, 'f9');
  await store.ingest([download('2026-09-05T10:00:00Z', { user_id: 'ben' }, 'f9', 'd9'), unplaced]);
  expect(await store.dropBefore(Date.UTC(2026, 9, 1))).toBe(1);
  const before = await figuresOf(store);
  expect(JSON.stringify(before)).toContain('d9');
  await store.rebuild();
  expect(await figuresOf(store)).toEqual(before);
});

test('a rebuild corrects verdicts that differ from the rules', async () => {
  const store = await open();
  await store.ingest([page('10:00:00', { user_id: 'ana' })]);
  const right = await figuresOf(store);
  await store.engine.run("UPDATE agents SET agent = 'bot'", "UPDATE facts SET out_reason = 'bot'");
  expect(await figuresOf(store)).not.toEqual(right);
  await store.rebuild();
  expect(await figuresOf(store)).toEqual(right);
});

describe('an export', () => {
  test('as NDJSON has each event unchanged, and gives the same figures when imported again', async () => {
    const [events = []] = fc.sample(anyUsage, { numRuns: 1, seed: 4 });
    const store = await open();
    await store.ingest(events);
    const out = join(dir, 'events.ndjson');
    expect(await exportEvents(store, { format: 'ndjson', out, onProgress: () => undefined })).toBe(events.length);
    const again = await open();
    for (const line of readFileSync(out, 'utf8').trimEnd().split('\n')) {
      const parsed = parseEventLine(line);
      await again.ingest('events' in parsed ? parsed.events : []);
    }
    expect(await figuresOf(again)).toEqual(await figuresOf(store));
  });

  test('as CSV and as Parquet has a row for each event of the requested months', async () => {
    const store = await open();
    await store.ingest([
      page('2026-09-30T23:59:59Z', { user_id: '=ana' }),
      page('2026-10-01T00:00:00Z', { user_id: '=ana' }),
      page('2026-11-01T00:00:00Z', {}),
    ]);
    const months = { from: '2026-09', to: '2026-10', onProgress: () => undefined };
    const csv = join(dir, 'events.csv');
    expect(await exportEvents(store, { format: 'csv', out: csv, ...months })).toBe(2);
    const lines = readFileSync(csv, 'utf8').trimEnd().split('\r\n');
    expect([lines.length, lines[1]?.includes("'=ana")]).toEqual([3, true]);
    const parquet = join(dir, 'events.parquet');
    expect(await exportEvents(store, { format: 'parquet', out: parquet, ...months })).toBe(2);
    expect(
      await store.engine.query(`SELECT count(*) AS n, min(user_id) AS who FROM read_parquet('${parquet}')`),
    ).toEqual([{ n: 2, who: '=ana' }]);
  });
});

test('a forgotten user is nowhere in the store, and figures stay the same', async () => {
  const path = join(dir, 'usage.duckdb');
  const store = await open(path);
  const ana = {
    user_id: 'ana-7Q',
    user_name: 'Ana Forgotten',
    session_id: 'session-7Q',
    client_address: '198.51.100.0',
  };
  await store.ingest([
    page('10:00:00', ana),
    page('10:00:10', ana),
    download('11:00:00', { ...ana, author_id: 'ben' }),
    page('12:00:00', { user_id: 'ben', author_id: 'ana-7Q', author_name: 'Ana Forgotten' }),
  ]);
  const before = await figuresOf(store);
  expect(await store.forget('ana-7Q')).toBe(4);
  expect(await figuresOf(store)).toEqual(before);
  for (const table of ['events', 'facts', 'names', 'words'])
    expect([table, JSON.stringify(await store.engine.query(`SELECT * FROM ${table}`))]).toEqual([
      table,
      expect.not.stringMatching(/ana-7Q|Ana Forgotten|session-7Q|198\.51/),
    ]);
  expect(await store.forget('ana-7Q')).toBe(0);
});

test('events before a time are deleted, with names and ids that occurred only in them', async () => {
  const store = await open();
  await store.ingest([
    page('09:59:59', { user_id: 'ana-7Q', user_name: 'Ana', resource_name: 'Soil' }),
    page('10:00:00', { user_id: 'ben' }),
  ]);
  await figuresOf(store);
  expect(await store.dropBefore(Date.UTC(2026, 9, 5, 10))).toBe(1);
  expect(await store.contents()).toMatchObject({ events: 1 });
  expect(await store.engine.query('SELECT * FROM names')).toEqual([]);
  expect(await store.engine.query("SELECT word FROM words WHERE word IN ('ana-7Q', 'ben', 'd1') ORDER BY 1")).toEqual([
    { word: 'ben' },
    { word: 'd1' },
  ]);
});

describe('a store in a file', () => {
  test('is the same after it was closed and opened, with its marks', async () => {
    const path = join(dir, 'usage.duckdb');
    const first = await openDuckdbStore({ path });
    await first.ingest([page('10:00:00', {})], { journal: '7' });
    await first.close();
    const again = await open(path);
    expect([await again.mark('journal'), await again.mark('other')]).toEqual(['7', undefined]);
    expect(await again.contents()).toMatchObject({ events: 1 });
  });

  test('is readable only for its user, even if others could read it before', async () => {
    const path = join(dir, 'usage.duckdb');
    const first = await openDuckdbStore({ path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await first.close();
    chmodSync(path, 0o644);
    await open(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('of an older version is upgraded: it has the same figures, and names too', async () => {
    const path = join(dir, 'usage.duckdb');
    const [events = []] = fc.sample(anyUsage, { numRuns: 1, seed: 7 });
    const older = await openDuckdbStore({ path });
    await older.ingest([...events, page('10:00:00', { user_id: 'eva', resource_name: 'Soil' }, 'd7')]);
    const before = await figuresOf(older);
    // As the third version left it: facts with other columns and rules, and no names.
    await older.engine.run(
      'DROP TABLE names',
      'DROP TABLE words',
      'DROP TABLE job_events',
      'DROP TABLE open_days',
      'DROP TABLE facts',
      'CREATE TABLE facts (event_id VARCHAR, created BIGINT)',
      "UPDATE meta SET value = 'others' WHERE name = 'fact rules'",
      "UPDATE meta SET value = '3' WHERE name = 'version'",
    );
    await older.close();
    const store = await open(path);
    expect(await figuresOf(store)).toEqual(before);
    const query = { metric: 'views', by: 'dataset', from: '2026-10', to: '2026-10' };
    expect((await answerStats(store, statsQuery.parse(query), undefined, { named: true })).names).toMatchObject({
      d7: 'Soil',
    });
  });

  test('of a newer version is left unchanged', async () => {
    const path = join(dir, 'usage.duckdb');
    const newer = await openDuckdbStore({ path });
    await newer.engine.run("UPDATE meta SET value = '99' WHERE name = 'version'");
    await newer.close();
    await expect(openDuckdbStore({ path })).rejects.toMatchObject({
      code: 'newer_version',
      message: expect.stringContaining('is at version 99, made by a newer clowder-otel'),
    });
  });
});
