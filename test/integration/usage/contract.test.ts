import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDuckdbStore } from '../../../usage/store/duckdb/store.ts';
import { openPostgresStore } from '../../../usage/store/postgresql/store.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';
import { answerStats } from '../../../usage/stats/answer.ts';
import { METRICS, statsQuery } from '../../../usage/ask/question.ts';
import { form } from '../../support/form.ts';
import { startPostgres, type PostgresServer } from '../../support/postgresql.ts';
import { anyUsage } from '../../support/usage/arbitrary.ts';
import { CASES } from '../../support/usage/cases.ts';
import { everyAnswer } from '../../support/usage/every-answer.ts';
import { fillNamed, NAMES, namesBy } from '../../support/usage/names.ts';
import { countMonth, reasonsOf } from '../../support/usage/count.ts';
import { checkParts } from '../../support/usage/parts.ts';
import type { Policy } from '../../../usage/rules/policy.ts';

/** A site's rules that apply to many of the samples. */
const judging = {
  policy: {
    users: ['ben'],
    networks: ['2001:db8::/32'],
    agents: ['notebook'],
    behaviour: { datasets: 2, downloads: 6, steady: 3 },
  } satisfies Policy,
  countries: { id: 'test', countryOf: (address: string) => (address.startsWith('10.') ? 'DE' : undefined) },
};

let server: PostgresServer;
let schemas = 0;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => server.stop());

async function openPostgres(options: Partial<typeof judging> = {}): Promise<UsageStore> {
  schemas += 1;
  return openPostgresStore({ url: server.url(), schema: `usage_${schemas}`, statementTimeoutMs: 60_000, ...options });
}

describe('the rules in PostgreSQL', () => {
  test.each(CASES)('$title', async ({ events, rd1, r51, reasons, ...asked }) => {
    const store = await openPostgres();
    await store.ingest(events);
    expect(await countMonth(store, asked, 'rd1')).toEqual(rd1);
    expect(await countMonth(store, asked, 'r51')).toEqual(r51);
    if (reasons !== undefined) expect(await reasonsOf(store, asked, 'r51')).toEqual(reasons);
    await store.close();
  });
});

test('names follow the same rules in PostgreSQL', async () => {
  const store = await openPostgres();
  await fillNamed(store);
  const told = await Promise.all(NAMES.map(async ([title, by]) => [title, by, await namesBy(store, by)]));
  expect(told).toEqual(NAMES);
  await store.close();
});

test('every question gets the same answer from both engines', { timeout: 600_000 }, async () => {
  const samples = fc.sample(anyUsage, { numRuns: form({ short: 2, long: 20 }), seed: 15 });
  for (const [index, events] of samples.entries()) {
    const [ours, other] = [await openDuckdbStore(judging), await openPostgres(judging)];
    for (const store of [ours, other]) {
      await store.ingest(events);
      await store.place({ files: [['f3', 'd3']], datasets: [{ dataset: 'd1', space: 's1', collection: 'c1' }] });
    }
    expect(await other.contents()).toEqual(await ours.contents());
    const zone = index % 2 === 0 ? 'UTC' : 'America/Chicago';
    const answers = await everyAnswer(ours, { zone });
    expect(Object.keys(answers).length).toBeGreaterThan(Object.keys(METRICS).length * 3);
    expect(await everyAnswer(other, { zone })).toEqual(answers);
    await checkParts(other, zone, index % 2 === 0 ? undefined : 1);
    await ours.close();
    await other.close();
  }
});

type Counts = Readonly<Record<string, unknown>>;

/** Rows with a number above zero, in the order of their keys. */
const used = (rows: readonly Counts[]): readonly Counts[] =>
  rows
    .filter((row) => Object.values(row).some((value) => typeof value === 'number' && value > 0))
    .toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));

test("the PostgreSQL sink's views give what the store answers for the same events", { timeout: 300_000 }, async () => {
  const samples = fc.sample(anyUsage, { numRuns: form({ short: 3, long: 30 }), seed: 16 });
  for (const events of samples) {
    const store = await openPostgres(judging);
    const schema = `usage_${schemas}`;
    await store.ingest(events);
    const ask = async (metric: string, by: string, more: object = {}): Promise<readonly Counts[]> => {
      const query = statsQuery.parse({ metric, by, from: '2026-10', to: '2026-10', ...more });
      return used((await answerStats(store, query, undefined)).rows);
    };
    const view = async (sql: string): Promise<readonly Counts[]> => used(await store.engine.query(sql));

    const datasets = 'investigations, unique_investigations, requests, unique_requests';
    const answered = await ask('investigations,unique_investigations,requests,unique_requests', 'dataset');
    const wanted = answered.filter(({ dataset }) => dataset !== null);
    expect(await view(`SELECT dataset_id AS dataset, ${datasets} FROM ${schema}.dataset_usage_per_month`)).toEqual(
      wanted,
    );

    // A dataset and a collection may have the same id.
    const resources = await ask('views,visitors', 'resource,resource_type', { type: 'view.resource' });
    expect(
      await view(
        `SELECT resource_id AS resource, resource_type, views, viewers AS visitors FROM ${schema}.views_per_month`,
      ),
    ).toEqual(resources);
    expect(
      await view(`SELECT resource_id AS resource, resource_type, downloads, bytes FROM ${schema}.downloads_per_month`),
    ).toEqual(await ask('downloads,bytes', 'resource,resource_type', { type: 'view.download' }));

    const reasons = await ask('events', 'reason', { type: 'view.resource,view.download' });
    const classes = `CASE counted_as WHEN 'repeated' THEN 'repeat' WHEN 'incomplete' THEN 'counted' ELSE counted_as END`;
    expect(await view(`SELECT ${classes} AS reason, count(*) AS events FROM ${schema}.uses GROUP BY 1`)).toEqual(
      reasons,
    );
    await store.close();
  }
});
