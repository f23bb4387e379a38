import type { EventField } from './event-types.ts';
import type { AttributeValue, Attributes } from './telemetry.ts';

/**
 * OTel attribute names and the data field that each fills: one table for reading telemetry and for writing it. Names come from
 * the semantic conventions if those have one, otherwise from `clowder.*`. `event_id`, `created`, `trace_id` and `span_id` come
 * from the record itself; `clowder.event.id` overrides the first.
 */
export const ATTRIBUTE_OF_FIELD = {
  event_id: 'clowder.event.id',
  source: 'clowder.source',
  user_id: 'user.id',
  user_name: 'user.name',
  author_id: 'clowder.author.id',
  author_name: 'clowder.author.name',
  session_id: 'session.id',
  auth_method: 'clowder.auth.method',
  client_address: 'client.address',
  client_kind: 'clowder.client.kind',
  user_agent: 'user_agent.original',
  clowder_instance: 'clowder.instance',
  resource_id: 'clowder.resource.id',
  resource_type: 'clowder.resource.type',
  resource_name: 'clowder.resource.name',
  file_id: 'clowder.file.id',
  file_name: 'clowder.file.name',
  dataset_id: 'clowder.dataset.id',
  dataset_name: 'clowder.dataset.name',
  folder_id: 'clowder.folder.id',
  space_id: 'clowder.space.id',
  bytes: 'clowder.bytes',
  content_type: 'clowder.content_type',
  version: 'clowder.version',
  message: 'clowder.extraction.message',
  status: 'clowder.extraction.status',
  extractor_name: 'clowder.extractor.name',
  extractor_version: 'clowder.extractor.version',
  job_id: 'clowder.job.id',
  duration_ms: 'clowder.extraction.duration_ms',
  bytes_downloaded: 'clowder.extraction.bytes_downloaded',
  url: 'url.full',
  referrer: 'http.request.header.referer',
  title: 'clowder.page.title',
  view_id: 'clowder.view.id',
  visible_ms: 'clowder.view.visible_ms',
  complete: 'clowder.download.complete',
  range: 'clowder.download.range',
  format: 'clowder.download.format',
  tracked: 'clowder.download.tracked',
  preview: 'clowder.download.preview',
  via: 'clowder.download.via',
  target: 'clowder.health.target',
  component: 'clowder.health.component',
  probe: 'clowder.health.probe',
  healthy: 'clowder.health.healthy',
  changed: 'clowder.health.changed',
  down_for_s: 'clowder.health.down_for_s',
  status_code: 'clowder.health.status_code',
  response_time_ms: 'clowder.health.response_time_ms',
  dns_time_ms: 'clowder.health.dns_time_ms',
  connect_time_ms: 'clowder.health.connect_time_ms',
  tls_time_ms: 'clowder.health.tls_time_ms',
  first_byte_time_ms: 'clowder.health.first_byte_time_ms',
  response_time_avg: 'clowder.health.response_time_avg',
  response_time_min: 'clowder.health.response_time_min',
  response_time_max: 'clowder.health.response_time_max',
  response_time_loss: 'clowder.health.response_time_loss',
  download_rate: 'clowder.health.download_rate',
  queue_length: 'clowder.health.queue_length',
  consumers: 'clowder.health.consumers',
  messages_unacknowledged: 'clowder.health.messages_unacknowledged',
  publish_rate: 'clowder.health.publish_rate',
  deliver_rate: 'clowder.health.deliver_rate',
  memory_alarm: 'clowder.health.memory_alarm',
  disk_alarm: 'clowder.health.disk_alarm',
  broker_connections: 'clowder.health.broker_connections',
  blocked_connections: 'clowder.health.blocked_connections',
  disk_free_bytes: 'clowder.health.disk_free_bytes',
  disk_total_bytes: 'clowder.health.disk_total_bytes',
  disk_used_percent: 'clowder.health.disk_used_percent',
  uptime_s: 'clowder.health.uptime_s',
  reported_uptime_s: 'clowder.health.reported_uptime_s',
  tls_days_left: 'clowder.health.tls_days_left',
  error: 'clowder.health.error',
  window_start: 'clowder.window.start',
  window_end: 'clowder.window.end',
  connections: 'clowder.connections',
  new_connections: 'clowder.new_connections',
  requests: 'clowder.requests',
  unique_clients: 'clowder.unique_clients',
  responses_1xx: 'clowder.responses.1xx',
  responses_2xx: 'clowder.responses.2xx',
  responses_3xx: 'clowder.responses.3xx',
  responses_4xx: 'clowder.responses.4xx',
  responses_5xx: 'clowder.responses.5xx',
  bot_connections: 'clowder.bot_connections',
  bot_requests: 'clowder.bot_requests',
  bot_clients: 'clowder.bot_clients',
  bot_responses_1xx: 'clowder.bot_responses.1xx',
  bot_responses_2xx: 'clowder.bot_responses.2xx',
  bot_responses_3xx: 'clowder.bot_responses.3xx',
  bot_responses_4xx: 'clowder.bot_responses.4xx',
  bot_responses_5xx: 'clowder.bot_responses.5xx',
  bot_bytes: 'clowder.bot_bytes',
} as const satisfies Readonly<Record<Exclude<EventField, FieldWithoutAttribute>, string>>;

/** Fields that no attribute fills: they come from the record itself, or the collector works them out. */
export type FieldWithoutAttribute = 'event' | 'created' | 'trace_id' | 'span_id' | 'client_id' | 'recovered';

/** Older names of the same attributes, and Envoy's own, read if the current name is absent. */
const FORMER_NAMES: { readonly [current: string]: readonly string[] } = {
  'http.request.method': ['http.method'],
  'http.response.status_code': ['http.status_code'],
  'user_agent.original': ['http.user_agent', 'user_agent'],
  'client.address': ['http.client_ip', 'net.peer.ip', 'net.sock.peer.addr', 'network.peer.address', 'peer.address'],
  'url.scheme': ['http.scheme'],
  'server.address': ['http.host', 'net.host.name'],
  'server.port': ['net.host.port'],
  'http.response.body.size': ['http.response_content_length', 'response_size'],
  'user.id': ['enduser.id'],
  'clowder.event.id': ['event.id'],
};

/**
 * Attribute with the id of the request that a span, record or access log line is about (docs/design.md, "Identity"). It fills
 * no event field.
 */
export const REQUEST_ID = 'clowder.request.id';

/**
 * Attributes of a capture's event. INNER: the id that a capture behind this one wrote on the response. OUTER: the id that came
 * with the request, from a capture in front of this one or from anyone else.
 */
export const INNER_REQUEST_ID = 'clowder.request.inner';
export const OUTER_REQUEST_ID = 'clowder.request.outer';

/** Name of the record by which a capture refutes events. It is not an event, and no event type has this name. */
export const REFUTED_NAME = 'clowder.capture.refuted';
/** Attribute of that record: event ids, separated by commas. */
export const REFUTED_IDS = 'clowder.refuted.ids';

/** Marks the spans, events and refutations that come from a capture itself. It fills no event field. */
export const CAPTURED = 'clowder.captured';

/** Marks a view whose page was denied its resource and shows nothing. Such a record is not an event. */
export const DENIED = 'clowder.view.denied';

/** Name of the record in which an OTel Collector passes on a log line that it could not parse (otel-config/). */
export const UNPARSED_NAME = 'clowder.unparsed';

const READ_NAMESPACES =
  /^(?:clowder|http|url|client|server|user|user_agent|enduser|session|net|network|nginx|event|log|error|rabbitmq|messaging|process|peer)\./;
/** Names without a namespace. */
const READ_NAMES: ReadonlySet<string> = new Set(['user_agent', 'response_size']);
/** Further namespaces of resources; they tell which server it is. */
const RESOURCE_NAMESPACES = /^(?:service|host|k8s)\./;

/** Whether an attribute with this name may be read; the values of all others do not matter. */
export function mayBeRead(name: string): boolean {
  return READ_NAMESPACES.test(name) || READ_NAMES.has(name);
}

/** The same for an attribute of a resource. */
export function mayBeReadOfResource(name: string): boolean {
  return RESOURCE_NAMESPACES.test(name) || READ_NAMESPACES.test(name);
}

/** Returns an attribute by its current name, or by a former one. */
export function attribute(attributes: Attributes, name: string): AttributeValue | undefined {
  const value = attributes[name];
  if (value !== undefined) return value;
  for (const former of FORMER_NAMES[name] ?? []) {
    const old = attributes[former];
    if (old !== undefined) return old;
  }
  return undefined;
}

/** Returns the attribute as text: the first of several values, numbers in decimal; undefined if absent, empty or '-'. */
export function textAttribute(attributes: Attributes, name: string): string | undefined {
  return toText(attribute(attributes, name));
}

function toText(value: AttributeValue | undefined): string | undefined {
  if (typeof value === 'string') return value === '' || value === '-' ? undefined : value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return toText(value[0] as AttributeValue | undefined);
  return undefined;
}

/** Returns the attribute as a finite number. Decimal text is accepted, because log parsers often leave numbers as text. */
export function numberAttribute(attributes: Attributes, name: string): number | undefined {
  const text = textAttribute(attributes, name);
  if (text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Every name that fills a field, current (rank 0) or former. It lets us walk a record's attributes instead of the table. */
const FIELD_OF_NAME: ReadonlyMap<string, { readonly field: string; readonly rank: number }> = new Map(
  Object.entries(ATTRIBUTE_OF_FIELD).flatMap(([field, name]) =>
    [name, ...(FORMER_NAMES[name] ?? [])].map((one, rank) => [one, { field, rank }] as const),
  ),
);

/** Our own names that are read but fill no field. */
const OTHER_NAMES = [
  CAPTURED,
  'clowder.collapse_within_s',
  'clowder.route',
  DENIED,
  INNER_REQUEST_ID,
  OUTER_REQUEST_ID,
  REFUTED_IDS,
  REQUEST_ID,
];
const OWN_NAMES: readonly string[] = [...FIELD_OF_NAME.keys(), ...OTHER_NAMES].filter((name) =>
  name.startsWith('clowder.'),
);
const OWN = new Set(OWN_NAMES);

/** Returns the names that look like ours but are never read, each with the name that was probably meant. */
export function misspelt(attributes: Attributes): readonly { readonly name: string; readonly meant?: string }[] {
  return Object.keys(attributes)
    .filter((name) => name.startsWith('clowder.') && !OWN.has(name))
    .map((name) => {
      const meant = OWN_NAMES.find((own) => own.startsWith(name) || name.startsWith(own) || isNear(own, name));
      return meant === undefined ? { name } : { name, meant };
    });
}

/** Whether the two differ by one letter missing, added or changed, or by two letters swapped. */
function isNear(own: string, name: string): boolean {
  if (Math.abs(own.length - name.length) > 1) return false;
  let from = 0;
  while (from < own.length && own[from] === name[from]) from += 1;
  const [rest, given] = [own.slice(from), name.slice(from)];
  return (
    rest.slice(1) === given ||
    rest === given.slice(1) ||
    rest.slice(1) === given.slice(1) ||
    (rest.slice(2) === given.slice(2) && rest[0] === given[1] && rest[1] === given[0])
  );
}

/** Returns the name under which a sender stated a field, or should state it: the field's own name if no attribute fills it. */
export function attributeNameOf(field: string, attributes: Attributes): string {
  const current = Object.hasOwn(ATTRIBUTE_OF_FIELD, field)
    ? ATTRIBUTE_OF_FIELD[field as keyof typeof ATTRIBUTE_OF_FIELD]
    : undefined;
  if (current === undefined) return field;
  return [current, ...(FORMER_NAMES[current] ?? [])].find((name) => attributes[name] !== undefined) ?? current;
}

/**
 * Returns the data fields that an explicit record states by attributes, as the scalars that were sent. It does not check names.
 */
export function fieldsOfAttributes(attributes: Attributes): Record<string, AttributeValue> {
  const fields: Record<string, AttributeValue> = {};
  const ranks = new Map<string, number>();
  for (const name in attributes) {
    const entry = FIELD_OF_NAME.get(name);
    const value = attributes[name];
    if (entry === undefined || value === undefined) continue;
    const { field, rank } = entry;
    if (rank > (ranks.get(field) ?? rank)) continue;
    ranks.set(field, rank);
    if (value === null || value === '') delete fields[field];
    else if (typeof value === 'bigint') fields[field] = Number(value);
    else fields[field] = Array.isArray(value) ? (value[0] as AttributeValue) : value;
  }
  return fields;
}

const resources = new WeakMap<Attributes, Readonly<Record<string, AttributeValue>>>();

/** The same for a resource; computed once, because the records of a batch share it. */
export function fieldsOfResource(resource: Attributes): Readonly<Record<string, AttributeValue>> {
  let fields = resources.get(resource);
  if (fields === undefined) resources.set(resource, (fields = fieldsOfAttributes(resource)));
  return fields;
}
