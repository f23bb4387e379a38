import type { EventField } from '../../taxonomy/event-types.ts';

/**
 * What a field tells of people.
 *
 * - `thing`: nothing: what happened, when, to which resource, and figures of machines
 * - `person`: who it was, or a name for them that others may resolve
 * - `trail`: what ties an event to the rest of a person's visit: addresses, sessions, traces, devices
 * - `words`: written by people, and so about people as they please: names of files and datasets, titles, messages
 * - `place`: a page's address: its path and query may name people
 */
export type FieldClass = 'thing' | 'person' | 'trail' | 'words' | 'place';

/** Names of Clowder v1's that the flat body has beside the taxonomy's fields. */
export type V1Field = 'category' | 'type' | 'size' | 'service_name' | 'uptime';

/** Every field of every event type. One that is new does not compile, and fails a test, until it is classed here. */
export const FIELD_CLASSES = {
  event_id: 'thing',
  event: 'thing',
  created: 'thing',
  source: 'thing',
  user_id: 'person',
  user_name: 'person',
  author_id: 'person',
  author_name: 'person',
  session_id: 'trail',
  client_address: 'trail',
  client_id: 'trail',
  user_agent: 'trail',
  client_kind: 'thing',
  trace_id: 'trail',
  span_id: 'trail',
  clowder_instance: 'thing',
  resource_id: 'thing',
  resource_type: 'thing',
  resource_name: 'words',
  recovered: 'thing',
  file_id: 'thing',
  file_name: 'words',
  dataset_id: 'thing',
  dataset_name: 'words',
  folder_id: 'thing',
  space_id: 'thing',
  bytes: 'thing',
  bytes_downloaded: 'thing',
  content_type: 'thing',
  version: 'thing',
  message: 'words',
  status: 'words',
  extractor_name: 'thing',
  extractor_version: 'thing',
  job_id: 'thing',
  duration_ms: 'thing',
  url: 'place',
  referrer: 'place',
  title: 'words',
  complete: 'thing',
  range: 'thing',
  format: 'thing',
  tracked: 'thing',
  preview: 'thing',
  via: 'thing',
  target: 'place',
  component: 'thing',
  probe: 'thing',
  changed: 'thing',
  down_for_s: 'thing',
  healthy: 'thing',
  status_code: 'thing',
  response_time_ms: 'thing',
  dns_time_ms: 'thing',
  connect_time_ms: 'thing',
  tls_time_ms: 'thing',
  first_byte_time_ms: 'thing',
  response_time_avg: 'thing',
  response_time_min: 'thing',
  response_time_max: 'thing',
  response_time_loss: 'thing',
  queue_length: 'thing',
  consumers: 'thing',
  messages_unacknowledged: 'thing',
  publish_rate: 'thing',
  deliver_rate: 'thing',
  memory_alarm: 'thing',
  disk_alarm: 'thing',
  broker_connections: 'thing',
  blocked_connections: 'thing',
  disk_free_bytes: 'thing',
  disk_total_bytes: 'thing',
  disk_used_percent: 'thing',
  uptime_s: 'thing',
  reported_uptime_s: 'thing',
  tls_days_left: 'thing',
  error: 'words',
  window_start: 'thing',
  window_end: 'thing',
  connections: 'thing',
  new_connections: 'thing',
  requests: 'thing',
  unique_clients: 'thing',
  responses_1xx: 'thing',
  responses_2xx: 'thing',
  responses_3xx: 'thing',
  responses_4xx: 'thing',
  responses_5xx: 'thing',
  bot_connections: 'thing',
  bot_requests: 'thing',
  bot_clients: 'thing',
  bot_bytes: 'thing',
  category: 'thing',
  type: 'thing',
  size: 'thing',
  service_name: 'thing',
  uptime: 'thing',
} as const satisfies Record<EventField | V1Field, FieldClass>;

export type KnownField = keyof typeof FIELD_CLASSES;

export function isKnownField(field: string): field is KnownField {
  return Object.hasOwn(FIELD_CLASSES, field);
}

/** Fields that every event keeps as they are: without them it is none, or cannot be told from another. */
export const FIXED_FIELDS = ['event_id', 'event', 'created'] as const;

export function isFixedField(field: string): boolean {
  return FIXED_FIELDS.some((fixed) => fixed === field);
}
