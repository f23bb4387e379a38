import type { ClientBase } from 'pg';
import { inTransaction } from './connection.ts';
import { PostgresSetupError } from './errors.ts';
import { MIGRATIONS, type Migration } from './migrations/index.ts';

/** A lock, until the transaction ends, on what only one process may do at a time: migrations, and making partitions. */
export async function lockSchema(client: ClientBase, schema: string): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`clowder-otel ${schema}`]);
}

/** Number of the last applied migration; 0 if our schema does not exist. */
export async function appliedVersion(client: ClientBase, schema: string): Promise<number> {
  const table = `${schema}.schema_migrations`;
  const found = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [table]);
  if (found.rows[0]?.there !== true) return 0;
  const { rows } = await client.query<{ version: number }>(`SELECT coalesce(max(version), 0) AS version FROM ${table}`);
  return rows[0]?.version ?? 0;
}

/**
 * Brings the schema up to date in one transaction: all of it or nothing. Several processes may try at once.
 *
 * @param schema a name that needs no quotes
 * @param known in order, from the first one on @default all
 * @returns names of the migrations that were applied now
 * @throws PostgresSetupError if a newer version of this program has migrated it
 */
export async function migrate(
  client: ClientBase,
  schema: string,
  known: readonly Migration[] = MIGRATIONS,
): Promise<readonly string[]> {
  return inTransaction(client, async () => {
    await client.query('SET LOCAL statement_timeout = 0');
    await client.query('SET LOCAL lock_timeout = 0');
    await lockSchema(client, schema);
    const applied = await appliedVersion(client, schema);
    if (applied > known.length)
      throw new PostgresSetupError(
        `schema ${schema} is at version ${applied}, made by a newer clowder-otel; this one knows ${known.length}: install the newer one`,
      );
    const pending = known.slice(applied);
    if (pending.length === 0) return [];
    if (applied === 0) await createSchema(client, schema);
    await client.query(`SET LOCAL search_path = ${schema}, pg_catalog`);
    for (const [index, { name, sql }] of pending.entries()) {
      await client.query(sql);
      await client.query('INSERT INTO schema_migrations (version, name) VALUES ($1, $2)', [applied + index + 1, name]);
    }
    return pending.map(({ name }) => name);
  });
}

/** An existing schema is used as it is, so that no right to create one is needed. */
async function createSchema(client: ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regnamespace($1) IS NOT NULL AS there', [schema]);
  if (rows[0]?.there !== true) await client.query(`CREATE SCHEMA ${schema}`);
  await client.query(`CREATE TABLE ${schema}.schema_migrations (
    version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
}
