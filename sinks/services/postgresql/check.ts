import type { ClientBase } from 'pg';
import { SinkError } from '../../sink.ts';
import { appliedVersion } from '../../../runtime/event-table/migrate.ts';
import { MIGRATIONS } from '../../../runtime/event-table/migrations/index.ts';

/** The first version that attaches partitions without blocking readers, and has functions with a parsed body. */
const OLDEST_SERVER = 140_000;

interface ServerFacts {
  readonly version: string;
  readonly number: number;
  readonly read_only: boolean;
  readonly user: string;
  readonly database: string;
  readonly encrypted: boolean | null;
  readonly schema_there: boolean;
  readonly may_create_schema: boolean;
  readonly may_create_in_schema: boolean | null;
  readonly owns_events: boolean | null;
}

const FACTS = `
SELECT current_setting('server_version') AS version,
  current_setting('server_version_num')::int AS number,
  pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean AS read_only,
  current_user::text AS user, current_database()::text AS database,
  (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS encrypted,
  to_regnamespace($1) IS NOT NULL AS schema_there,
  has_database_privilege(current_database(), 'CREATE') AS may_create_schema,
  has_schema_privilege(to_regnamespace($1)::oid, 'CREATE') AS may_create_in_schema,
  (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
   WHERE relnamespace = to_regnamespace($1) AND relname = 'events') AS owns_events`;

/**
 * Examines the server without writing: version, rights and pending migrations.
 *
 * @returns a sentence for the operator
 * @throws SinkError that says what to do
 */
export async function checkServer(client: ClientBase, schema: string): Promise<string> {
  await client.query('BEGIN READ ONLY');
  const facts = (await client.query<ServerFacts>(FACTS, [schema])).rows[0];
  if (facts === undefined) throw new SinkError('not_ready', 'the server answered without a row');
  const problem = problemOf(facts, schema);
  if (problem !== undefined) throw new SinkError('not_ready', problem);
  const applied = await appliedVersion(client, schema);
  await client.query('COMMIT');
  if (applied > MIGRATIONS.length)
    throw new SinkError('not_ready', `schema ${schema} was made by a newer clowder-otel: install that one`);
  const encryption = facts.encrypted === true ? 'encrypted' : 'not encrypted';
  const todo =
    applied === MIGRATIONS.length
      ? `schema ${schema} is up to date (version ${applied})`
      : `${MIGRATIONS.length - applied} migrations of schema ${schema} are pending: the first events bring them`;
  return `PostgreSQL ${facts.version}, database ${facts.database} as ${facts.user}, ${encryption}; ${todo}`;
}

function problemOf(facts: ServerFacts, schema: string): string | undefined {
  const { user, database } = facts;
  if (facts.number < OLDEST_SERVER) return `PostgreSQL ${facts.version} is too old: it must be 14 or newer`;
  if (facts.read_only)
    return `database ${database} is read-only (a standby?): SINK_POSTGRESQL_URL must name one that takes writes`;
  if (!facts.schema_there && !facts.may_create_schema)
    return `${user} may not create schema ${schema}: CREATE SCHEMA ${schema} AUTHORIZATION ${user}`;
  if (facts.schema_there && facts.may_create_in_schema === false)
    return `${user} may not create tables in schema ${schema}: GRANT ALL ON SCHEMA ${schema} TO ${user}`;
  if (facts.owns_events === false)
    return `${user} does not own ${schema}.events: ALTER TABLE ${schema}.events OWNER TO ${user}, or connect as its owner`;
  return undefined;
}
