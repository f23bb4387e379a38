import type { EventField } from '../../taxonomy/event-types.ts';

type FieldValue = string | number | boolean;

/** What a row is made from. */
export interface TableEvent {
  readonly id: string;
  readonly type: string;
  /** Unix milliseconds. */
  readonly createdMs: number;
  /** The flat body. */
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** The type of a column: `bigint` and `double precision` both take a number, the first only whole ones. */
export type ColumnType = 'text' | 'bigint' | 'double precision' | 'boolean';

/**
 * The columns of `events` that are copied from fields of the same name, in this order. `event_id`, `created_at` and
 * `event` come before them; all other fields go to the jsonb column `data`.
 */
export const TABLE_COLUMNS = {
  source: 'text',
  clowder_instance: 'text',
  client_kind: 'text',
  user_id: 'text',
  user_name: 'text',
  author_id: 'text',
  author_name: 'text',
  session_id: 'text',
  client_id: 'text',
  client_address: 'text',
  user_agent: 'text',
  resource_type: 'text',
  resource_id: 'text',
  resource_name: 'text',
  dataset_id: 'text',
  dataset_name: 'text',
  folder_id: 'text',
  space_id: 'text',
  bytes: 'bigint',
  content_type: 'text',
  tracked: 'boolean',
  complete: 'boolean',
  extractor_name: 'text',
  job_id: 'text',
  duration_ms: 'double precision',
  component: 'text',
  target: 'text',
  healthy: 'boolean',
  status_code: 'bigint',
  response_time_ms: 'double precision',
  trace_id: 'text',
} as const satisfies Partial<Record<EventField, ColumnType>>;

const TYPED: readonly (readonly [string, ColumnType])[] = Object.entries(TABLE_COLUMNS);

/** Every column that is copied, with its type. */
export const COPIED: readonly (readonly [string, string])[] = [
  ['event_id', 'text'],
  ['created_at', 'timestamptz'],
  ['event', 'text'],
  ...TYPED,
  ['data', 'jsonb'],
];

/**
 * Fields with columns of their own, and fields that follow from others: `size` is `bytes`, and v1's `category` and
 * `type` follow from the event type.
 */
const ELSEWHERE: ReadonlySet<string> = new Set(['event_id', 'created', 'event', 'category', 'type', 'size']);

/** The range of months in the table. Otherwise, each wrong clock would make more partitions. */
const EARLIEST_MS = Date.UTC(2000, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);

/** A row's values in the order of {@link COPIED}; undefined is NULL. */
export type Row = readonly (string | undefined)[];

/** Why no row can be made from the event, or undefined. */
export function whyNoRow({ createdMs }: Pick<TableEvent, 'createdMs'>): string | undefined {
  if (createdMs >= EARLIEST_MS && createdMs < LATEST_MS) return undefined;
  return `created is ${createdMs}: it must be from 2000 to 2099, in Unix milliseconds`;
}

/** The event as a row. A value that its column cannot hold goes to `data`, so that nothing is lost. */
export function toRow({ id, type, createdMs, fields }: TableEvent): Row {
  const row: (string | undefined)[] = [storable(id), new Date(createdMs).toISOString(), storable(type)];
  const rest: [string, FieldValue][] = [];
  for (const [name, column] of TYPED) row.push(columnValue(fields[name], column));
  for (const [name, value] of Object.entries(fields)) {
    if (ELSEWHERE.has(name) || (isColumn(name) && columnValue(value, TABLE_COLUMNS[name]) !== undefined)) continue;
    rest.push([storable(name), typeof value === 'string' ? storable(value) : value]);
  }
  row.push(JSON.stringify(Object.fromEntries(rest)));
  return row;
}

function isColumn(name: string): name is keyof typeof TABLE_COLUMNS {
  return Object.hasOwn(TABLE_COLUMNS, name);
}

/** The value in the column's type, or undefined if it does not fit. */
function columnValue(value: FieldValue | undefined, column: ColumnType): string | undefined {
  if (column === 'text') return typeof value === 'string' ? storable(value) : undefined;
  if (column === 'boolean') return typeof value === 'boolean' ? String(value) : undefined;
  const fits = column === 'bigint' ? Number.isSafeInteger(value) : Number.isFinite(value);
  return fits ? String(value) : undefined;
}

/** PostgreSQL's text can hold neither NUL nor half a surrogate pair: both become U+FFFD. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u{FFFD}');
}
