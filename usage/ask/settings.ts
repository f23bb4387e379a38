import { networks } from '../../runtime/config/networks.ts';
import { text, valueOf } from '../../runtime/config/schema.ts';
import { flag, httpUrl, integer, list, number, size } from '../../runtime/config/values.ts';
import { BEHAVIOUR_LIMITS } from '../rules/policy.ts';

const SCHEMA_NAME = 'must be a name of small letters, digits and _ that begins with a letter, at most 50 long';

const words = valueOf(list((entry) => entry !== '', 'names'));
const aDay = valueOf(integer({ least: 2, most: 1e9 }));

/** Memory of the usage store, if nothing else is set. */
export const USAGE_MEMORY_BYTES = 320 * 1024 ** 2;

/** Settings of counting, for the collector, which starts it, and for the counting process. */
export const usageSettings = {
  USAGE: valueOf(flag).default(true).describe('Whether the collector starts the process that counts usage'),
  USAGE_STORE: text
    .optional()
    .describe(
      'Where usage is kept: a file (default: usage.duckdb in DATA_DIR), or postgresql://… of the PostgreSQL sink',
    ),
  USAGE_MEMORY_BYTES: valueOf(size({ above: 0 }))
    .default(USAGE_MEMORY_BYTES)
    .describe('How much memory the usage store may use; beyond that, it works on disk'),
  USAGE_RETENTION_MONTHS: valueOf(number('a number of months', { least: 1, most: 1200 }, true))
    .optional()
    .describe('How many whole months of usage to keep besides the current one; without it, all are kept'),
  USAGE_POSTGRESQL_SCHEMA: text
    .regex(/^[a-z_][a-z0-9_]{0,49}$/, SCHEMA_NAME)
    .default('clowder')
    .describe("Schema of the PostgreSQL sink's table"),
  CATALOG_URL: valueOf(httpUrl)
    .optional()
    .describe('Address of Clowder for usage catalog fetch: scheme, host, and the path that precedes every route'),
  CATALOG_API_KEY: text
    .regex(/^[\x21-\x7e]+$/, 'must be a key of Clowder: visible ASCII without blanks')
    .optional()
    .describe('Key of an account of Clowder that sees the datasets; without it, Clowder tells only what is public'),
  USAGE_EXCLUDE_USERS: words
    .optional()
    .describe(
      'Own staff and tests: ids or names of users that are not counted, separated by commas; applies to earlier events too',
    ),
  USAGE_EXCLUDE_NETWORKS: valueOf(networks)
    .optional()
    .describe(
      'Addresses and networks that are not counted; of /24 (IPv6: /48) or wider, unless CLIENT_ADDRESS is full',
    ),
  USAGE_EXCLUDE_AGENTS: words.optional().describe('Parts of user agents that are not counted, such as our-smoke-test'),
  USAGE_MANY_DATASETS: aDay
    .default(BEHAVIOUR_LIMITS.datasets)
    .describe('A user with more different datasets in a day is flagged'),
  USAGE_MANY_DOWNLOADS: aDay
    .default(BEHAVIOUR_LIMITS.downloads)
    .describe('A user with more downloads in a day is flagged'),
  USAGE_STEADY_EVENTS: aDay
    .default(BEHAVIOUR_LIMITS.steady)
    .describe(
      'A user with this many views and downloads in a day, at steadier intervals than a person keeps, is flagged',
    ),
  USAGE_BADGE: valueOf(flag)
    .default(false)
    .describe('Whether everybody may ask for views and downloads of datasets that the catalog says are open to all'),
  USAGE_COUNTRIES_FILE: text
    .optional()
    .describe('Table of the countries of addresses, an MMDB file such as GeoLite2-Country.mmdb'),
};

/** Whether a store is PostgreSQL, where the sink fills the table and nothing follows the journal. */
export const isPostgres = (store: string | undefined): boolean => /^postgres(?:ql)?:\/\//.test(store ?? '');
