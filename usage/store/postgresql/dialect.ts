import { TABLE_COLUMNS, type ColumnType as TableColumnType } from '../../../runtime/event-table/columns.ts';
import { literal, literals, type Dialect, type Period } from '../../rules/dialect.ts';
import { typesOf } from '../../rules/roles.ts';
import { COLUMN_NAMES, COLUMNS, type Column, type ColumnType } from '../columns.ts';

const FORMATS = { hour: 'YYYY-MM-DD"T"HH24', day: 'YYYY-MM-DD', month: 'YYYY-MM' } as const;

/** SQL type that a value in `data` is cast to. */
const CASTS = { text: '', whole: '::bigint', real: '::double precision', flag: '::boolean' } as const satisfies Record<
  ColumnType,
  string
>;
/** JSON type that the value must have; another one counts as missing. */
const JSON_TYPES = { text: 'string', whole: 'number', real: 'number', flag: 'boolean' } as const satisfies Record<
  ColumnType,
  string
>;

/** Columns of the sink's table, by field. */
const OF_TABLE: Readonly<Record<string, TableColumnType>> = TABLE_COLUMNS;

/** A field as a column: the table's own, otherwise from `data`. */
function fieldSql(name: Column): string {
  if (Object.hasOwn(OF_TABLE, name)) return name;
  const type = COLUMNS[name];
  return `CASE WHEN jsonb_typeof(data->'${name}') = '${JSON_TYPES[type]}' THEN (data->>'${name}')${CASTS[type]} END AS ${name}`;
}

/** The years for which the table has partitions. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
/** A time, limited to the table's years. */
export const timeSql = (ms: number): string => {
  const iso = new Date(Math.min(Math.max(ms, EARLIEST_MS), LATEST_MS)).toISOString();
  return `'${iso}'::timestamptz`;
};

/** Milliseconds of a timestamp column. */
export const msOf = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::bigint`;

/** Columns of the table that the store lacks: there they are in `data`. */
const IN_DATA = Object.keys(TABLE_COLUMNS).filter((name) => !Object.hasOwn(COLUMNS, name));
const DATA = `nullif((data || jsonb_strip_nulls(jsonb_build_object(${IN_DATA.map((name) => `'${name}', ${name}`).join(', ')})))::text, '{}') AS data`;

/** The fields of events as the store's columns, from the sink's table. */
export const EVENT_COLUMNS = [
  'event_id',
  `${msOf('created_at')} AS created`,
  'event',
  ...COLUMN_NAMES.map(fieldSql),
  DATA,
].join(', ');

export function postgresDialect(schema: string): Dialect {
  const events = ({ fromMs, toMs }: Period): string =>
    `(SELECT ${EVENT_COLUMNS} FROM ${schema}.events WHERE created_at >= ${timeSql(fromMs)} AND created_at < ${timeSql(toMs)})`;
  return {
    name: 'postgresql',
    events,
    jobEvents: (period) => `(SELECT * FROM ${events(period)} e WHERE e.event IN (${literals(typesOf('job'))}))`,
    table: (name) => `${schema}.usage_${name}`,
    quotient: (dividend, divisor) => `((${dividend}) / ${divisor})`,
    timeText: (localMs, unit) => `to_char(to_timestamp(${localMs} / 1000) AT TIME ZONE 'UTC', '${FORMATS[unit]}')`,
    matches: (text, pattern) => `(${text} ~ ${literal(pattern)})`,
    jsonText: (json, field) => `(${json}::jsonb->>${literal(field)})`,
    hostOf: (url) => `nullif(substring(${url} FROM '^[a-z][a-z0-9+.-]*://([^/?#:]+)'), '')`,
    identity: (text) => text,
    session: (key, slot) => `(${key} || ' ' || ${slot})`,
    keyed: (column) => column,
  };
}
