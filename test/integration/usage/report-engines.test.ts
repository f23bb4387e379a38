import { afterAll, beforeAll, expect, test } from 'vitest';
import { written } from '../../../usage/reports/formats.ts';
import { REPORT_FORMATS, REPORT_KINDS } from '../../../usage/reports/kinds.ts';
import { makeReport } from '../../../usage/reports/report.ts';
import { checkRequest } from '../../../usage/reports/request.ts';
import { loadSite } from '../../../usage/reports/settings.ts';
import { openDuckdbStore } from '../../../usage/store/duckdb/store.ts';
import { openPostgresStore } from '../../../usage/store/postgresql/store.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';
import { startPostgres, type PostgresServer } from '../../support/postgresql.ts';
import { CASES } from '../../support/usage/cases.ts';

let server: PostgresServer;
let stores: readonly UsageStore[];

beforeAll(async () => {
  server = await startPostgres();
  stores = [
    await openDuckdbStore(),
    await openPostgresStore({ url: server.url(), schema: 'reports', statementTimeoutMs: 60_000 }),
  ];
  for (const store of stores) await store.ingest(CASES.flatMap((one) => one.events));
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await server.stop();
});

test.each(REPORT_KINDS)('both engines give %s, byte for byte the same', async (kind) => {
  const asked = { kind, from: '2026-10', to: '2026-10', timeZone: 'America/Chicago' };
  const request = checkRequest(asked, Date.UTC(2026, 10, 29));
  const [ours, theirs] = await Promise.all(
    stores.map(async (store) => makeReport({ store, request, site: loadSite({}) })),
  );
  if (ours === undefined || theirs === undefined) throw new Error('two engines');
  expect(theirs.notes).toEqual(ours.notes);
  for (const format of REPORT_FORMATS) expect(written(theirs.report, format)).toBe(written(ours.report, format));
});
