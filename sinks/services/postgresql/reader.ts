import type { ClientBase } from 'pg';
import { inTransaction } from '../../../runtime/event-table/connection.ts';
import { isState } from '../../../runtime/event-table/errors.ts';
import { lockSchema } from '../../../runtime/event-table/migrate.ts';

/**
 * Lets the role read the events and the views, but nothing else. Creates the role if it is missing and we have the right.
 *
 * @param role a name that needs no quotes
 * @returns what an operator must do; undefined if nothing
 */
export async function grantReader(client: ClientBase, schema: string, role: string): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('v', 'p')",
    [schema],
  );
  const readable = rows.map(({ name }) => `${schema}.${name}`).join(', ');
  const grants = [`GRANT USAGE ON SCHEMA ${schema} TO ${role}`, `GRANT SELECT ON ${readable} TO ${role}`];
  try {
    await inTransaction(client, async () => {
      await lockSchema(client, schema);
      await createRole(client, role);
      for (const grant of grants) await client.query(grant);
    });
    return undefined;
  } catch (error) {
    if (!isState(error, '42501')) throw error;
    return [`CREATE ROLE ${role} NOLOGIN`, ...grants].join('; ');
  }
}

/** Roles belong to the whole server, so another database's sink may be creating the same role. */
async function createRole(client: ClientBase, role: string): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>('SELECT to_regrole($1) IS NOT NULL AS there', [role]);
  if (rows[0]?.there === true) return;
  await client.query(`DO $$ BEGIN CREATE ROLE ${role} NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`);
}
