import type { EventField } from '../../taxonomy/event-types.ts';

/** Type of a column. `whole`: a 64-bit integer. */
export type ColumnType = 'text' | 'whole' | 'real' | 'flag';

/**
 * The columns of `events` besides `event_id`, `created` and `event`, each filled from the field of the same name. All other
 * fields are in `data`, as one JSON object.
 */
export const COLUMNS = {
  source: 'text',
  clowder_instance: 'text',
  client_kind: 'text',
  auth_method: 'text',
  user_id: 'text',
  user_name: 'text',
  session_id: 'text',
  client_id: 'text',
  client_address: 'text',
  user_agent: 'text',
  resource_type: 'text',
  resource_id: 'text',
  resource_name: 'text',
  file_id: 'text',
  file_name: 'text',
  dataset_id: 'text',
  dataset_name: 'text',
  folder_id: 'text',
  space_id: 'text',
  bytes: 'whole',
  content_type: 'text',
  tracked: 'flag',
  complete: 'flag',
  preview: 'flag',
  url: 'text',
  referrer: 'text',
  extractor_name: 'text',
  job_id: 'text',
  duration_ms: 'real',
  component: 'text',
  target: 'text',
  healthy: 'flag',
  status_code: 'whole',
  response_time_ms: 'real',
} as const satisfies Partial<Record<EventField | 'auth_method', ColumnType>>;

export type Column = keyof typeof COLUMNS;
export const COLUMN_NAMES = Object.keys(COLUMNS) as Column[];

/**
 * Fields in columns of their own, or that follow from others: `size` is `bytes`, v1's `category` and `type` are the event's.
 */
const ELSEWHERE: ReadonlySet<string> = new Set(['event_id', 'created', 'event', 'category', 'type', 'size']);

export type Value = string | number | boolean | null;
/** `event_id`, `created`, `event`, the columns in their order, `data`. */
export type Row = readonly Value[];

export interface StoredEvent {
  readonly event_id: string;
  readonly event: string;
  readonly created: number;
  readonly [field: string]: unknown;
}

/** The event as a row. A value that does not fit its column goes to `data`, so that nothing is lost. */
export function toRow(event: StoredEvent): Row {
  const row: Value[] = [event.event_id, event.created, event.event];
  let rest: Record<string, unknown> | undefined;
  for (const name of COLUMN_NAMES) row.push(valueOf(event[name], COLUMNS[name]));
  for (const name in event) {
    const value = event[name];
    if (value === undefined || ELSEWHERE.has(name)) continue;
    if (isColumn(name) && valueOf(value, COLUMNS[name]) !== null) continue;
    rest ??= {};
    rest[name] = value;
  }
  row.push(rest === undefined ? null : JSON.stringify(rest));
  return row;
}

/** The event of a row, as it was received. */
export function fromRow(row: Readonly<Record<string, unknown>>): StoredEvent {
  const event: Record<string, unknown> = { event_id: row['event_id'], event: row['event'], created: row['created'] };
  for (const name of COLUMN_NAMES) if (row[name] !== null && row[name] !== undefined) event[name] = row[name];
  const { data } = row;
  if (typeof data === 'string') Object.assign(event, JSON.parse(data));
  return event as StoredEvent;
}

function isColumn(name: string): name is Column {
  return Object.hasOwn(COLUMNS, name);
}

function valueOf(value: unknown, type: ColumnType): Value {
  if (type === 'text') return typeof value === 'string' ? storable(value) : null;
  if (type === 'flag') return typeof value === 'boolean' ? value : null;
  if (typeof value !== 'number') return null;
  return (type === 'whole' ? Number.isSafeInteger(value) : Number.isFinite(value)) ? value : null;
}

/** Neither engine's text holds NUL or an unpaired surrogate: both become U+FFFD. */
function storable(text: string): string {
  return text.isWellFormed() && !text.includes('\0') ? text : text.toWellFormed().replaceAll('\0', '\u{FFFD}');
}
