import { JOB_COLUMNS, literals } from '../../rules/dialect.ts';
import { typesOf } from '../../rules/roles.ts';
import type { Engine } from '../engine.ts';
import { COLUMN_NAMES, COLUMNS, type ColumnType } from '../columns.ts';
import { UsageStoreError } from '../errors.ts';
import { VISIT_TABLES } from './visits.ts';

const TYPES = { text: 'VARCHAR', whole: 'BIGINT', real: 'DOUBLE', flag: 'BOOLEAN' } as const satisfies Record<
  ColumnType,
  string
>;

const columns = COLUMN_NAMES.map((name) => `${name} ${TYPES[COLUMNS[name]]}`).join(', ');

/** Tables of the first version. `id_key` is a hash of `event_id`, which keeps a look at all ids small. */
const TABLES = [
  'CREATE TABLE meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)',
  `CREATE TABLE events (event_id VARCHAR NOT NULL, created BIGINT NOT NULL, event VARCHAR NOT NULL, ${columns}, data VARCHAR, id_key UBIGINT NOT NULL)`,
  'CREATE TABLE agents (user_agent VARCHAR NOT NULL, agent VARCHAR NOT NULL, reason VARCHAR NOT NULL)',
  'CREATE TABLE placements (file_id VARCHAR NOT NULL, dataset_id VARCHAR NOT NULL, from_ms BIGINT NOT NULL)',
  'CREATE TABLE catalog_files (file_id VARCHAR NOT NULL, dataset_id VARCHAR NOT NULL)',
];

/** Added by the third version: countries and networks of addresses, and the spaces of datasets. */
const PLACES = [
  'CREATE TABLE addresses (client_address VARCHAR NOT NULL, country VARCHAR, excluded BOOLEAN NOT NULL)',
  'CREATE TABLE space_placements (dataset_id VARCHAR NOT NULL, space_id VARCHAR NOT NULL, from_ms BIGINT NOT NULL)',
  'CREATE TABLE catalog_datasets (dataset_id VARCHAR NOT NULL, space_id VARCHAR, collection_id VARCHAR, is_open BOOLEAN)',
];

/** Added by the second version: facts about datasets, and reported figures. */
const REPORTED = [
  'CREATE TABLE catalog (dataset_id VARCHAR PRIMARY KEY, state VARCHAR NOT NULL, entry VARCHAR, etag VARCHAR, fetched_ms BIGINT NOT NULL)',
  'CREATE TABLE reported_months (code VARCHAR NOT NULL, zone VARCHAR NOT NULL, month VARCHAR NOT NULL, reported_ms BIGINT NOT NULL, rules VARCHAR NOT NULL, catalog VARCHAR NOT NULL, events BIGINT NOT NULL, PRIMARY KEY (code, zone, month))',
  'CREATE TABLE reported_figures (code VARCHAR NOT NULL, zone VARCHAR NOT NULL, month VARCHAR NOT NULL, dataset_id VARCHAR NOT NULL, access VARCHAR NOT NULL, metric VARCHAR NOT NULL, n BIGINT NOT NULL)',
  'CREATE TABLE restatements (code VARCHAR NOT NULL, zone VARCHAR NOT NULL, month VARCHAR NOT NULL, reported_ms BIGINT NOT NULL, restated_ms BIGINT NOT NULL, dataset_id VARCHAR NOT NULL, access VARCHAR NOT NULL, metric VARCHAR NOT NULL, before_n BIGINT NOT NULL, after_n BIGINT NOT NULL, why VARCHAR NOT NULL)',
];

/** A second copy of the events about jobs: they are few, and scattered among all others. */
export const jobEventsSql = (relation: string): string =>
  `SELECT ${JOB_COLUMNS.join(', ')} FROM ${relation} e WHERE e.event IN (${literals(typesOf('job'))}) ORDER BY created`;

/**
 * Added by the fourth version: the latest names of things, the words that facts have by number, the events about jobs, and the
 * days whose visits are not linked yet.
 */
const WORDS = [
  'CREATE TABLE names (kind VARCHAR NOT NULL, id VARCHAR NOT NULL, name VARCHAR NOT NULL, told_ms BIGINT NOT NULL)',
  'CREATE TABLE words (id INTEGER NOT NULL, word VARCHAR NOT NULL)',
  `CREATE TABLE job_events AS ${jobEventsSql('events')}`,
  ...VISIT_TABLES,
];

/** What each version adds, in order. A released step never changes. */
const STEPS: readonly (readonly string[])[] = [TABLES, REPORTED, PLACES, WORDS];

/** Incoming events, with numbers as the appender takes them. */
export const INCOMING = `CREATE OR REPLACE TEMPORARY TABLE incoming (event_id VARCHAR, created DOUBLE, event VARCHAR, ${COLUMN_NAMES.map(
  (name) => `${name} ${COLUMNS[name] === 'whole' ? 'DOUBLE' : TYPES[COLUMNS[name]]}`,
).join(', ')}, data VARCHAR)`;

/**
 * Makes the tables, or updates them.
 *
 * @returns whether everything derived from events must be computed anew
 * @throws UsageStoreError if a newer version has written the store
 */
export async function prepareSchema(engine: Engine, name: string): Promise<boolean> {
  const version = await versionOf(engine);
  if (version > STEPS.length)
    throw new UsageStoreError(
      'newer_version',
      `${name} is at version ${version}, made by a newer clowder-otel; this one knows ${STEPS.length}: install the newer one`,
    );
  if (version === STEPS.length) return false;
  await engine.inTransaction((within) =>
    within.run(...STEPS.slice(version).flat(), `INSERT OR REPLACE INTO meta VALUES ('version', '${STEPS.length}')`),
  );
  return version > 0;
}

/** 0 without tables. */
async function versionOf(engine: Engine): Promise<number> {
  const [found] = await engine.query(
    "SELECT count(*) AS tables FROM information_schema.tables WHERE table_name = 'meta' AND table_type = 'BASE TABLE'",
  );
  if (found?.['tables'] === 0) return 0;
  const [row] = await engine.query("SELECT value FROM meta WHERE name = 'version'");
  return Number(row?.['value']);
}
