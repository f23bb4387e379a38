import { config, type PostgresConfig } from './config.ts';
import { openPostgres } from './open.ts';
import type { SinkDefinition } from '../../sink.ts';

/** Events stored in one transaction; `batch_events` reduces it. */
const MAX_EVENTS = 5000;
const MAX_BYTES = 16 * 1024 ** 2;

export const postgresql: SinkDefinition<PostgresConfig> = {
  name: 'postgresql',
  description: 'PostgreSQL 14 or newer: every event once in one table, with views for usage reports',
  config,
  variables: {
    SINK_POSTGRESQL_URL: 'url',
    SINK_POSTGRESQL_SCHEMA: 'schema',
    SINK_POSTGRESQL_READER_ROLE: 'reader_role',
    SINK_POSTGRESQL_TIME_ZONE: 'time_zone',
    SINK_POSTGRESQL_RETENTION_MONTHS: 'retention_months',
    SINK_POSTGRESQL_STATEMENT_TIMEOUT_MS: 'statement_timeout_ms',
  },
  thirdParty: false,
  dedupes: true,
  limits: () => ({ maxEvents: MAX_EVENTS, maxBytes: MAX_BYTES }),
  open: (settings, context) => Promise.resolve(openPostgres(settings, context)),
};
