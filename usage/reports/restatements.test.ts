import { afterEach, beforeEach, expect, test } from 'vitest';
import { download, event, page } from '../../test/support/usage/cases.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { checkRequest } from './request.ts';
import { makeReport } from './report.ts';
import { restatements } from './restatements.ts';
import { loadSite } from './settings.ts';

const [NOVEMBER_2, NOVEMBER_9] = [Date.UTC(2026, 10, 2), Date.UTC(2026, 10, 9)];
const ana = { user_id: 'ana' };

let store: UsageStore;
beforeEach(async () => {
  store = await openDuckdbStore();
  await store.ingest([page('10:00:00', ana), download('10:05:00', ana)]);
});
afterEach(() => store.close());

async function reported(nowMs: number, kind: 'ir' | 'usage' | 'rd1' = 'ir'): Promise<readonly string[]> {
  const request = checkRequest({ kind, from: '2026-10', to: '2026-10', timeZone: 'UTC' }, nowMs);
  const { notes } = await makeReport({ store, request, site: loadSite({}), reportedMs: nowMs });
  return notes.filter((note) => note.includes('differ from those reported'));
}

test('a month reported again with the same figures is no restatement', async () => {
  expect(await reported(NOVEMBER_2)).toEqual([]);
  expect(await reported(NOVEMBER_9)).toEqual([]);
  expect(await restatements(store)).toEqual([]);
});

test('an event that comes after its month was reported is listed with each figure that it changes', async () => {
  await reported(NOVEMBER_2);
  await store.ingest([download('11:00:00', ana, 'f2')]);
  // One more of each total, and one more session: 2 to 3 investigations, 1 to 2 requests, uniques 1 to 2.
  expect(await reported(NOVEMBER_9)).toEqual([
    '4 figures of 1 datasets in 2026-10 differ from those reported (2026-11-02T00:00:00Z): events of the month came or went after it was reported: usage restatements lists them',
  ]);
  const log = await restatements(store);
  expect(log.map(({ metric, before, after }) => [metric, before, after])).toEqual([
    ['total_investigations', 2, 3],
    ['total_requests', 1, 2],
    ['unique_investigations', 1, 2],
    ['unique_requests', 1, 2],
  ]);
  expect(log[0]).toMatchObject({
    month: '2026-10',
    code: 'r51',
    dataset: 'd1',
    access: 'regular',
    why: 'events',
    reported: '2026-11-02T00:00:00Z',
    restated: '2026-11-09T00:00:00Z',
  });
  // The restated figures are the reported ones from now on.
  expect(await reported(NOVEMBER_9)).toEqual([]);
});

test('files placed by a catalog, and files placed by events of another month, are distinguished', async () => {
  await store.ingest([event('view.download', '12:00:00', { ...ana, resource_type: 'file', resource_id: 'f9' })]);
  await reported(NOVEMBER_2);
  await store.place({ files: [['f9', 'd9']], datasets: [] });
  expect(await reported(NOVEMBER_9)).toEqual([expect.stringContaining('the catalog has files in other datasets')]);
  await store.place({ files: [], datasets: [] });
  await reported(NOVEMBER_9);
  await store.ingest([download('2026-11-05T10:00:00Z', ana, 'f9', 'd8')]);
  expect(await reported(NOVEMBER_9)).toEqual([expect.stringContaining('events of other months placed files')]);
});

test('each Code has its own log, which has no figures of the current month', async () => {
  await reported(Date.UTC(2026, 9, 20));
  await store.ingest([download('11:00:00', ana, 'f2')]);
  expect(await reported(NOVEMBER_2)).toEqual([]);
  await store.ingest([download('12:00:00', ana, 'f2')]);
  expect(await reported(NOVEMBER_9, 'rd1')).toEqual([]);
  expect(await reported(NOVEMBER_9, 'usage')).toHaveLength(1);
  expect(new Set((await restatements(store)).map(({ code }) => code))).toEqual(new Set(['r51']));
});
