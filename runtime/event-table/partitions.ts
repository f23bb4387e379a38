import type { ClientBase } from 'pg';
import { inTransaction } from './connection.ts';
import { PostgresSetupError } from './errors.ts';
import { lockSchema } from './migrate.ts';

/** A month in UTC, `2026-11`. */
export type Month = string;

export function monthOf(createdMs: number): Month {
  return new Date(createdMs).toISOString().slice(0, 7);
}

/** The month that is this many months before the time. */
export function monthBefore(nowMs: number, months: number): Month {
  const now = new Date(nowMs);
  return monthOf(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months));
}

const startOf = (month: Month): string => `${month}-01 00:00:00+00`;
const nameOf = (month: Month): string => `events_${month.replace('-', '_')}`;

function following(month: Month): Month {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return monthOf(Date.UTC(year, number));
}

/** The months that have a partition of `events`. */
export async function partitionsOf(client: ClientBase, schema: string): Promise<ReadonlySet<Month>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = to_regclass($1)`,
    [`${schema}.events`],
  );
  return new Set(rows.map(({ name }) => name.slice('events_'.length).replace('_', '-')));
}

/**
 * Makes the missing partitions. A table is created first and attached later, so that it neither waits for readers and
 * writers of the others nor blocks them.
 */
export async function createPartitions(client: ClientBase, schema: string, months: Iterable<Month>): Promise<void> {
  await inTransaction(client, async () => {
    await lockSchema(client, schema);
    const there = await partitionsOf(client, schema);
    for (const month of months) if (!there.has(month)) await createPartition(client, schema, month);
  });
}

async function createPartition(client: ClientBase, schema: string, month: Month): Promise<void> {
  const table = `${schema}.${nameOf(month)}`;
  const { rows } = await client.query<{ taken: boolean }>('SELECT to_regclass($1) IS NOT NULL AS taken', [table]);
  if (rows[0]?.taken === true)
    throw new PostgresSetupError(`${table} exists and is not a partition of ${schema}.events: rename it, or attach it`);
  await client.query(`CREATE TABLE ${table} (LIKE ${schema}.events INCLUDING ALL)`);
  await client.query(
    `ALTER TABLE ${schema}.events ATTACH PARTITION ${table} FOR VALUES FROM ('${startOf(month)}') TO ('${startOf(following(month))}')`,
  );
}

/** How many ids one statement deletes: few, so that it blocks nobody for long. */
const IDS_AT_ONCE = 20_000;

/**
 * Drops the months before the given one and forgets their ids.
 *
 * @returns the months that were dropped
 */
export async function dropMonthsBefore(client: ClientBase, schema: string, keepFrom: Month): Promise<readonly Month[]> {
  const dropped = await inTransaction(client, async () => {
    await lockSchema(client, schema);
    const old = [...(await partitionsOf(client, schema))].filter((month) => month < keepFrom).sort();
    for (const month of old) await client.query(`DROP TABLE ${schema}.${nameOf(month)}`);
    // Names that only occurred before that are removed too.
    if (old.length > 0)
      await client.query(
        `DELETE FROM ${schema}.usage_names WHERE told_ms < extract(epoch FROM $1::timestamptz) * 1000`,
        [startOf(keepFrom)],
      );
    return old;
  });
  let deleted: number | null;
  do {
    const result = await client.query(
      `DELETE FROM ${schema}.event_ids WHERE ctid = ANY(ARRAY(
         SELECT ctid FROM ${schema}.event_ids WHERE created_at < $1 LIMIT ${IDS_AT_ONCE}))`,
      [startOf(keepFrom)],
    );
    deleted = result.rowCount;
  } while (deleted !== null && deleted > 0);
  return dropped;
}
