import { escapeLiteral, type ClientBase } from 'pg';
import { PostgresSetupError } from '../../../runtime/event-table/errors.ts';

/**
 * Makes the views count days and months in that time zone.
 *
 * @throws PostgresSetupError if the server does not know it
 */
export async function setReportZone(client: ClientBase, schema: string, zone: string): Promise<void> {
  const known = await client.query('SELECT FROM pg_timezone_names WHERE name = $1', [zone]);
  if (known.rowCount === 0)
    throw new PostgresSetupError(
      `the server knows no time zone ${zone}: give one as in pg_timezone_names, e.g. America/Chicago`,
    );
  const { rows } = await client.query<{ zone: string }>(`SELECT ${schema}.report_zone() AS zone`);
  if (rows[0]?.zone === zone) return;
  await client.query(
    `CREATE OR REPLACE FUNCTION ${schema}.report_zone() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN ${escapeLiteral(zone)}`,
  );
}
