import { daySums } from './day-sums.ts';
import { visitorsSql } from './visits.ts';
import { literal, type Dialect } from '../../rules/dialect.ts';

const FORMATS = { hour: '%Y-%m-%dT%H', day: '%Y-%m-%d', month: '%Y-%m' } as const;

export const duckdbDialect: Dialect = {
  name: 'duckdb',
  events: ({ fromMs, toMs }) => `(SELECT * FROM events WHERE created >= ${fromMs} AND created < ${toMs})`,
  jobEvents: ({ fromMs, toMs }) => `(SELECT * FROM job_events WHERE created >= ${fromMs} AND created < ${toMs})`,
  table: (name) => name,
  quotient: (dividend, divisor) => `((${dividend}) // ${divisor})`,
  timeText: (localMs, unit) => `strftime(make_timestamp(${localMs} * 1000), '${FORMATS[unit]}')`,
  matches: (text, pattern) => `regexp_matches(${text}, ${literal(pattern)})`,
  jsonText: (json, field) => `json_extract_string(${json}, ${literal(`$.${field}`)})`,
  hostOf: (url) => `nullif(regexp_extract(${url}, '^[a-z][a-z0-9+.-]*://([^/?#:]+)', 1), '')`,
  // 64 bits of a digest, the same in every version of DuckDB. With ten million texts, one store in 300,000 has a collision.
  identity: (text) => `md5_number_lower(${text})`,
  session: (key, slot) => `hash(${key}, ${slot})`,
  keyed: (column) => `${column}_key`,
  words: 'words',
  daySums,
  visitors: visitorsSql,
};
