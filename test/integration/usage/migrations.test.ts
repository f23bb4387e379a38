import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../../runtime/event-table/migrate.ts';
import { MIGRATIONS } from '../../../runtime/event-table/migrations/index.ts';
import { createPartitions, partitionsOf } from '../../../runtime/event-table/partitions.ts';
import type { StatsAnswer } from '../../../usage/ask/answer.ts';
import { openPostgresStore } from '../../../usage/store/postgresql/store.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';
import { startPostgres, type PostgresServer } from '../../support/postgresql.ts';
import { anyUsage } from '../../support/usage/arbitrary.ts';
import { everyAnswer } from '../../support/usage/every-answer.ts';
import { fillNamed } from '../../support/usage/names.ts';

const NEW = 'made_new';
/** The catalog, and what was reported, are stored and not worked out: what an older version did not keep, it does not have. */
const STORED = ['usage_catalog'];

let server: PostgresServer;
let client: Client;
let answersOfNew: Readonly<Record<string, StatsAnswer>>;

const open = (schema: string): Promise<UsageStore> =>
  openPostgresStore({ url: server.url(), schema, statementTimeoutMs: 60_000 });
const allOf = (store: UsageStore): Promise<Record<string, StatsAnswer>> =>
  everyAnswer(store, { zone: 'America/Chicago', from: '2026-10', to: '2026-10' });

beforeAll(async () => {
  server = await startPostgres();
  client = new Client(server.url());
  await client.connect();
  const store = await open(NEW);
  await fillNamed(store);
  await store.ingest(fc.sample(anyUsage, { numRuns: 1, seed: 10 })[0] ?? []);
  answersOfNew = await allOf(store);
  await store.close();
}, 120_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});

/** Fills a schema of an older version with what is in the new one: events of a day ago, and what is made of them. */
async function fill(schema: string): Promise<void> {
  await createPartitions(client, schema, await partitionsOf(client, NEW));
  const tables = await tablesOf(schema);
  for (const table of tables.filter((name) => name === 'events' || name === 'event_ids' || name.startsWith('usage_')))
    await client.query(`INSERT INTO ${schema}.${table} SELECT * FROM ${NEW}.${table}`);
  // What came lately is looked at again in any case.
  await client.query(`UPDATE ${schema}.events SET received_at = received_at - interval '1 day'`);
}

async function tablesOf(schema: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition`,
    [schema],
  );
  return rows.map(({ name }) => name);
}

describe('a schema of an earlier version, with events', () => {
  test.each(MIGRATIONS.slice(0, -1).map(({ name }, index) => ({ name, version: index + 1 })))(
    'gives every figure and name that a new one gives, once it is brought from version $version, $name, to the last',
    { timeout: 120_000 },
    async ({ version }) => {
      const schema = `of_version_${version}`;
      await migrate(client, schema, MIGRATIONS.slice(0, version));
      await fill(schema);
      const store = await open(schema);
      for (const table of STORED)
        await client.query(`INSERT INTO ${schema}.${table} SELECT * FROM ${NEW}.${table} ON CONFLICT DO NOTHING`);
      expect(await allOf(store)).toEqual(answersOfNew);
      await store.close();
    },
  );
});
