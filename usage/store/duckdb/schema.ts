import type { Engine } from '../engine.ts';
import { COLUMN_NAMES, COLUMNS, type ColumnType } from '../columns.ts';
import { UsageStoreError } from '../errors.ts';

/** Raised with each step; a step that was released never changes. */
const STORE_VERSION = 1;

const TYPES = { text: 'VARCHAR', whole: 'BIGINT', real: 'DOUBLE', flag: 'BOOLEAN' } as const satisfies Record<
  ColumnType,
  string
>;

const columns = COLUMN_NAMES.map((name) => `${name} ${TYPES[COLUMNS[name]]}`).join(', ');

/** What the first version has. `id_key` is a hash of `event_id`: a look at all of them stays small. */
const TABLES = [
  'CREATE TABLE meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)',
  `CREATE TABLE events (event_id VARCHAR NOT NULL, created BIGINT NOT NULL, event VARCHAR NOT NULL, ${columns}, data VARCHAR, id_key UBIGINT NOT NULL)`,
  'CREATE TABLE agents (user_agent VARCHAR NOT NULL, agent VARCHAR NOT NULL, reason VARCHAR NOT NULL)',
  'CREATE TABLE placements (file_id VARCHAR NOT NULL, dataset_id VARCHAR NOT NULL, from_ms BIGINT NOT NULL)',
  'CREATE TABLE catalog_files (file_id VARCHAR NOT NULL, dataset_id VARCHAR NOT NULL)',
];

/** Events on their way in: numbers as the appender takes them. */
export const INCOMING = `CREATE OR REPLACE TEMPORARY TABLE incoming (event_id VARCHAR, created DOUBLE, event VARCHAR, ${COLUMN_NAMES.map(
  (name) => `${name} ${COLUMNS[name] === 'whole' ? 'DOUBLE' : TYPES[COLUMNS[name]]}`,
).join(', ')}, data VARCHAR)`;

/**
 * Makes the tables, or brings them up to date.
 *
 * @throws UsageStoreError where a newer version has written the store
 */
export async function prepareSchema(engine: Engine, name: string): Promise<void> {
  const found = await engine.query(
    "SELECT count(*) AS tables FROM information_schema.tables WHERE table_name = 'meta' AND table_type = 'BASE TABLE'",
  );
  if (found[0]?.['tables'] === 0) {
    await engine.inTransaction((within) =>
      within.run(...TABLES, `INSERT INTO meta VALUES ('version', '${STORE_VERSION}')`),
    );
    return;
  }
  const [row] = await engine.query("SELECT value FROM meta WHERE name = 'version'");
  const version = Number(row?.['value']);
  if (version > STORE_VERSION)
    throw new UsageStoreError(
      'newer_version',
      `${name} is at version ${version}, made by a newer clowder-otel; this one knows ${STORE_VERSION}: install the newer one`,
    );
}
