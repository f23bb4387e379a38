import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tempDir } from '../../test/support/processes.ts';
import { download, page } from '../../test/support/usage/cases.ts';
import { DEFAULT_POLICY } from '../rules/policy.ts';
import { systemClock } from '../../runtime/sending/clock.ts';
import { exportEvents } from '../export.ts';
import { REPORT_KINDS } from '../reports/kinds.ts';
import { loadSite } from '../reports/settings.ts';
import { planOf, reportText } from '../reports/write-report.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { socketOf } from './protocol.ts';
import { reachUsageStore } from './reach-store.ts';
import { connectStore } from './remote-store.ts';
import { serveStore, type SharedStore } from './serve-store.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
let place: string;
let store: UsageStore;
let shared: SharedStore;
const opened: UsageStore[] = [];

beforeEach(async () => {
  dir = await tempDir('share');
  place = join(dir.path, 'usage.duckdb');
  store = await openDuckdbStore({ path: place });
  shared = await serveStore(store, place);
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await shared.close();
  await store.close();
  await dir.remove();
});

/** The store as a command reaches it. */
async function reached(): Promise<UsageStore> {
  const one = (await connectStore(place)) ?? fail();
  opened.push(one);
  return one;
}

function fail(): never {
  throw new Error('nobody answers');
}

const ana = { user_id: 'ana' };
const EVENTS = [page('10:00:00', ana), page('10:00:10', ana), download('10:05:00', ana, 'f1'), page('12:00:00', {})];
const NOW = Date.UTC(2026, 10, 29);

describe('a store held by another process', () => {
  test('accepts events, remembers marks, and answers like the store itself', async () => {
    const remote = await reached();
    expect(await remote.ingest(EVENTS, { journal: '7' })).toEqual({ stored: 4, known: 0 });
    expect(await remote.ingest(EVENTS)).toEqual({ stored: 0, known: 4 });
    expect(await remote.contents()).toEqual(await store.contents());
    expect([await remote.mark('journal'), await remote.mark('other')]).toEqual(['7', undefined]);
    const period = { fromMs: Date.UTC(2026, 9, 1), toMs: Date.UTC(2026, 10, 1) };
    for (const code of ['rd1', 'r51'] as const) {
      const ask = async (one: UsageStore) =>
        one.engine.query(
          `SELECT event_id, reason, session FROM ${await one.verdicts({ period, zone: 'UTC', code })} v ORDER BY 1`,
        );
      expect(await ask(remote)).toEqual(await ask(store));
    }
  });

  test('gives every report byte for byte like the store itself', async () => {
    const remote = await reached();
    await store.ingest(EVENTS);
    for (const kind of REPORT_KINDS) {
      const plan = planOf({ kind, from: '2026-10' }, loadSite({}), NOW);
      const { text } = await reportText(plan, store, loadSite({}));
      expect((await reportText(plan, remote, loadSite({}))).text).toBe(text);
    }
  });

  test('can be rebuilt, forget a user and delete old events, and reports its progress', async () => {
    const remote = await reached();
    await store.ingest(EVENTS);
    const told: (readonly [number, number])[] = [];
    await remote.rebuild((done, total) => told.push([done, total]));
    expect(told.at(-1)).toEqual([4, 4]);
    expect(await remote.forget('ana', (done, total) => told.push([done, total]))).toBe(3);
    expect(JSON.stringify(await store.engine.query('SELECT * FROM events'))).not.toContain('"ana"');
    expect(await remote.dropBefore(Date.UTC(2026, 9, 5, 11))).toBe(3);
  });

  test.each(['ndjson', 'csv', 'parquet'] as const)('exports %s to a file of the requesting process', async (format) => {
    const remote = await reached();
    await store.ingest(EVENTS);
    const told: number[] = [];
    const [out, own] = [join(dir.path, 'remote'), join(dir.path, 'own')];
    expect(await exportEvents(remote, { format, out, onProgress: (done) => told.push(done) })).toBe(4);
    expect(told.at(-1)).toBe(4);
    await exportEvents(store, { format, out: own, onProgress: () => undefined });
    const sorted = (path: string): string =>
      format === 'parquet' ? `read_parquet('${path}')` : `read_text('${path}')`;
    expect(await store.engine.query(`SELECT * FROM ${sorted(out)} EXCEPT SELECT * FROM ${sorted(own)}`)).toHaveLength(
      format === 'parquet' ? 0 : 1,
    );
  });

  test('reports an error in a question, and answers the next one', async () => {
    const remote = await reached();
    await expect(remote.engine.query('SELECT no_such_column')).rejects.toThrow('no_such_column');
    expect(await remote.engine.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('is read by several commands at once, while events come in', async () => {
    const [one, other] = [await reached(), await reached()];
    await store.ingest(EVENTS);
    const long = one.engine.query<{ n: number }>('SELECT count(*) AS n FROM range(4000000) t WHERE random() >= 0');
    await other.ingest([page('13:00:00', ana)]);
    expect(await other.contents()).toMatchObject({ events: 5 });
    expect(await long).toEqual([{ n: 4_000_000 }]);
  });

  test('forgets a user during a long question', async () => {
    const remote = await reached();
    await store.ingest(EVENTS);
    const long = remote.engine.query('SELECT count(*) AS n FROM range(5000000) t, events e WHERE random() >= 0');
    expect(await remote.forget('ana')).toBe(3);
    expect(await long).toEqual([{ n: 20_000_000 }]);
  });

  test('that ends during a question is reported to the command that asked', async () => {
    const remote = await reached();
    const asked = remote.engine.query('SELECT count(*) FROM range(8000000) t WHERE random() >= 0');
    await Promise.all([expect(asked).rejects.toThrow('ended meanwhile: run the command again'), shared.close()]);
    await expect(remote.contents()).rejects.toThrow('ended meanwhile');
  });
});

describe('the socket beside a store', () => {
  test('is readable only for its user, and gone with the process', async () => {
    expect(statSync(socketOf(place)).mode & 0o777).toBe(0o600);
    await shared.close();
    expect(statSync(socketOf(place), { throwIfNoEntry: false })).toBeUndefined();
    expect(await connectStore(place)).toBeUndefined();
    shared = await serveStore(store, place);
  });

  test('of a killed process does not block another process', async () => {
    await shared.close();
    const dead = createServer().listen(socketOf(place));
    dead.unref();
    shared = await serveStore(store, place);
    expect(await (await reached()).contents()).toEqual({ events: 0 });
    dead.close();
  });

  test('may have a path longer than a socket address', async () => {
    const directory = join(dir.path, 'x'.repeat(120));
    await mkdir(directory);
    const long = join(directory, 'usage.duckdb');
    const other = await openDuckdbStore({ path: long });
    const served = await serveStore(other, long);
    const remote = (await connectStore(long)) ?? fail();
    expect(await remote.contents()).toEqual({ events: 0 });
    await remote.close();
    await served.close();
    await other.close();
  });

  test('of another version is reported, and not used', async () => {
    const other = createServer((socket) => socket.write('{"version":"9.9.9"}\n')).listen(socketOf(`${place}.other`));
    await expect(connectStore(`${place}.other`)).rejects.toThrow('of version 9.9.9');
    other.close();
  });
});

test('a command opens the store if no process has it', async () => {
  const free = join(dir.path, 'free.duckdb');
  const own = await reachUsageStore({ place: free, schema: 'clowder', policy: DEFAULT_POLICY }, systemClock);
  expect(own.isShared).toBe(false);
  await own.close();
});
