import { z } from 'zod';
import { fitsShortString, SHORT_STRING_BYTES } from './short-string.ts';
import { WITHOUT_CONTROL } from './text.ts';

/** Event times outside this range are mistakes of a clock or a unit, not events. */
export const EARLIEST_CREATED_MS = Date.UTC(2000, 0, 1);
/** A clock may run ahead of ours by this much, in milliseconds. */
export const CLOCK_AHEAD_MS = 24 * 60 * 60 * 1000;

export const SOURCES = ['proxy', 'nginx', 'sdk', 'api', 'browser', 'monitor', 'rabbitmq'] as const;
export const CLIENT_KINDS = ['browser', 'extractor', 'api', 'bot'] as const;

/** An id stands in headers, lines and tables: no control character may break out of one. */
const withoutControl = (given: z.ZodString): z.ZodString => given.regex(WITHOUT_CONTROL, 'has control characters');
const id = withoutControl(z.string().min(1).max(256));
const name = z.string().min(1).max(1024);
const url = z.string().min(1).max(8192);
const count = z.int().nonnegative();

/** Fields that every event may carry, in the order in which they are written. */
export const commonFields = {
  event_id: withoutControl(z.string().min(1).max(128))
    .refine(fitsShortString, `is longer than ${SHORT_STRING_BYTES} bytes in UTF-8`)
    .describe('Identity: the same event always has the same id'),
  created: z.int().describe('When it happened, Unix time in milliseconds'),
  source: z.enum(SOURCES).optional().describe('Who observed it'),
  user_id: id.optional(),
  user_name: name.optional(),
  author_id: id.optional().describe('Owner of the resource'),
  author_name: name.optional(),
  session_id: id.optional(),
  client_address: z
    .string()
    .max(64)
    .optional()
    .describe('Anonymised to /24 (IPv4) or /48 (IPv6) unless configured otherwise'),
  client_id: z.string().max(64).optional().describe('Keyed hash of full address and user agent; the key changes daily'),
  user_agent: z.string().max(1024).optional(),
  client_kind: z.enum(CLIENT_KINDS).optional(),
  trace_id: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex digits')
    .optional(),
  span_id: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'must be 16 lower-case hex digits')
    .optional(),
  clowder_instance: name.optional(),
  resource_id: id.optional().describe('The resource that the event is about'),
  resource_type: z.string().min(1).max(64).optional(),
  resource_name: name.optional(),
  recovered: z
    .literal(true)
    .optional()
    .describe('Published from a weaker observation because the stronger one never came'),
};

const file = {
  file_id: id.optional(),
  file_name: name.optional(),
  dataset_id: id.optional(),
  dataset_name: name.optional(),
  folder_id: id.optional(),
  space_id: id.optional(),
  bytes: count.optional(),
  content_type: z.string().min(1).max(256).optional(),
  version: z.union([z.int(), z.string().min(1).max(64)]).optional(),
};

const extraction = {
  message: z.string().max(32_768).optional(),
  status: z.string().max(256).optional(),
  extractor_name: name.optional(),
  extractor_version: z.string().max(64).optional(),
  file_id: id.optional(),
  dataset_id: id.optional(),
  job_id: id
    .optional()
    .describe(
      "One run of one extractor. By an id of Clowder's there is one event each of queued, done and failed, whoever reports it",
    ),
  duration_ms: z.number().nonnegative().optional(),
  bytes_downloaded: count
    .optional()
    .describe('What the extractor downloaded for the job, by the events of its downloads; only where that is certain'),
};

const container = { space_id: id.optional() };

const page = { url, referrer: url.optional(), title: name.optional() };

const viewedResource = {
  url: url.optional(),
  referrer: url.optional(),
  resource_type: z.enum(['file', 'dataset', 'collection', 'space']),
  resource_id: id,
  dataset_id: id.optional(),
  folder_id: id.optional(),
  space_id: id.optional(),
};

const download = {
  url: url.optional(),
  resource_type: z.enum(['file', 'dataset', 'collection']),
  file_name: name.optional(),
  dataset_id: id.optional(),
  folder_id: id.optional(),
  bytes: count.optional().describe('Bytes sent'),
  complete: z.boolean().optional().describe('false where the client left early'),
  range: z.string().max(256).optional(),
  format: z.string().max(64).optional(),
  version: z.union([z.int(), z.string().min(1).max(64)]).optional(),
  tracked: z.boolean().optional().describe('false where Clowder was asked not to count it, or a page shows it'),
  preview: z
    .literal(true)
    .optional()
    .describe('A script of a page of Clowder fetched the file to show it: no download by a person'),
  via: z.enum(['presigned']).optional().describe('presigned: the bytes come from the object store directly'),
};

const user = {};

const milliseconds = z.number().nonnegative();

const ping = {
  target: z.string().min(1).max(2048),
  component: name.optional(),
  probe: name.optional().describe('Name of the probe in the configuration of the monitor'),
  healthy: z.boolean(),
  changed: z.boolean().optional().describe('true where the state is another than it was'),
  down_for_s: z
    .number()
    .nonnegative()
    .optional()
    .describe('How long it was down: while it is, and when it is up again'),
  status_code: z.int().min(0).max(999).optional(),
  response_time_ms: milliseconds.optional(),
  dns_time_ms: milliseconds.optional().describe('Of that: looking the host up'),
  connect_time_ms: milliseconds.optional().describe('Of that: connecting'),
  tls_time_ms: milliseconds.optional().describe('Of that: the TLS handshake'),
  first_byte_time_ms: milliseconds.optional().describe('Of that: from the request to the first byte of the answer'),
  response_time_avg: count.optional().describe('Of the latest readings, whole milliseconds'),
  response_time_min: count.optional(),
  response_time_max: count.optional(),
  response_time_loss: z.int().min(0).max(100).optional().describe('Of the latest readings, those that failed, percent'),
  bytes: count.optional().describe('Of a download'),
  queue_length: count.optional(),
  consumers: count.optional(),
  messages_unacknowledged: count.optional(),
  publish_rate: z.number().nonnegative().optional().describe('Messages a second'),
  deliver_rate: z.number().nonnegative().optional().describe('Messages a second'),
  memory_alarm: z.boolean().optional(),
  disk_alarm: z.boolean().optional(),
  broker_connections: count.optional(),
  blocked_connections: count.optional(),
  disk_free_bytes: count.optional(),
  disk_total_bytes: count.optional(),
  disk_used_percent: z.number().min(0).max(100).optional(),
  uptime_s: z.number().nonnegative().optional().describe('Since the monitor saw it come up'),
  reported_uptime_s: z.number().nonnegative().optional().describe('What it says itself'),
  version: z.string().max(64).optional(),
  tls_days_left: z.number().optional(),
  error: z.string().max(4096).optional(),
};

const connections = {
  component: name.optional().describe('The web server: `service.name` of its log'),
  window_start: z.int().describe('Unix time in milliseconds; a request counts where it ended'),
  window_end: z.int(),
  connections: count.optional().describe('Connections that sent a request in the window'),
  new_connections: count.optional().describe('Of those, the ones whose first request it was'),
  requests: count.describe("Without bots', as are connections, clients, responses and bytes"),
  unique_clients: count.optional(),
  responses_1xx: count.optional(),
  responses_2xx: count.optional(),
  responses_3xx: count.optional(),
  responses_4xx: count.optional(),
  responses_5xx: count.optional(),
  bytes: count
    .optional()
    .describe(
      'Sent to clients, headers and the framing of chunks included; without them where the log has bodies alone, as `combined`',
    ),
  bot_connections: count.optional(),
  bot_requests: count.optional(),
  bot_clients: count.optional(),
  bot_bytes: count.optional(),
};

/** Fields that a look-up in Clowder can give. */
export type EnrichedField =
  | 'file_name'
  | 'resource_name'
  | 'dataset_id'
  | 'dataset_name'
  | 'folder_id'
  | 'space_id'
  | 'author_id'
  | 'author_name';

/** What the schema of a type with fields F does not say. */
interface Traits<F extends string> {
  /** Of each group at least one field must be there when somebody states the event (POST, log record, span event). */
  readonly stated: readonly (readonly F[])[];
  /** The field that carries the resource's id, and its type, where the event type settles them. */
  readonly resource?: { readonly type: string; readonly id: F; readonly name?: F };
  /** Event-sink names of Clowder v1 (`category`, and `type` where it is not the resource's type). */
  readonly v1: { readonly category: string; readonly type?: string };
  /** Which fields tell events of one request apart, the first that is known: whose event it is. */
  readonly identity: readonly F[];
  /** The resource's id stands in the answer, where it is new: who sees no bodies does not know it. */
  readonly answered?: true;
  /** What enrichment may add; none where the event is about no resource. */
  readonly enriched: readonly Extract<F, EnrichedField>[];
}

const fileResource = { type: 'file', id: 'file_id', name: 'file_name' } as const;
const resource = (type: string) => ({ type, id: 'resource_id', name: 'resource_name' }) as const;

const AUTHOR = ['author_id', 'author_name'] as const;
const FILE = ['file_name', 'dataset_id', 'dataset_name', 'folder_id', 'space_id', ...AUTHOR] as const;
const CONTAINER = ['resource_name', 'space_id', ...AUTHOR] as const;
const EXTRACTION = ['resource_name', 'dataset_id', ...AUTHOR] as const;

function eventSchema<const T extends string, const S extends z.core.$ZodLooseShape>(
  event: T,
  data: S,
  summary: string,
) {
  // Of a field that both have, the type's own counts: for the compiler too.
  const common: Omit<typeof commonFields, keyof S> = commonFields;
  return z.object({ ...common, event: z.literal(event), ...data }).describe(summary);
}

/** One record of the taxonomy; its traits name fields of the type, and no others. */
function eventType<
  const T extends string,
  const S extends z.core.$ZodLooseShape,
  const R extends Traits<(keyof S & string) | keyof typeof commonFields>,
>(event: T, data: S, summary: string, traits: R) {
  return { ...traits, schema: eventSchema(event, data, summary) };
}

/**
 * The taxonomy: one record an event type. Types, JSON Schema, OpenAPI, AsyncAPI, the validation of posted events, ids,
 * enrichment and docs/events.md are all derived from this table.
 */
const EVENTS = {
  'file.uploaded': eventType('file.uploaded', file, 'A file, or a new version of one, was stored', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'upload' },
    identity: ['file_id'],
    answered: true,
    enriched: FILE,
  }),
  'file.deleted': eventType('file.deleted', file, 'A file was deleted or moved to the trash', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'delete' },
    identity: ['file_id'],
    enriched: FILE,
  }),
  'file.archived': eventType('file.archived', file, 'A file was moved to the archive', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'archive' },
    identity: ['file_id'],
    enriched: FILE,
  }),
  'file.unarchived': eventType('file.unarchived', file, 'A file was brought back from the archive', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'unarchive' },
    identity: ['file_id'],
    enriched: FILE,
  }),
  'dataset.created': eventType('dataset.created', container, 'A dataset was created', {
    stated: [['resource_id']],
    resource: resource('dataset'),
    v1: { category: 'create' },
    identity: ['resource_id'],
    answered: true,
    enriched: CONTAINER,
  }),
  'dataset.deleted': eventType('dataset.deleted', container, 'A dataset was deleted or moved to the trash', {
    stated: [['resource_id']],
    resource: resource('dataset'),
    v1: { category: 'delete' },
    identity: ['resource_id'],
    enriched: CONTAINER,
  }),
  'dataset.archived': eventType('dataset.archived', container, 'Archiving of a dataset was requested', {
    stated: [['resource_id']],
    resource: resource('dataset'),
    v1: { category: 'archive' },
    identity: ['resource_id'],
    enriched: CONTAINER,
  }),
  'dataset.unarchived': eventType('dataset.unarchived', container, 'Unarchiving of a dataset was requested', {
    stated: [['resource_id']],
    resource: resource('dataset'),
    v1: { category: 'unarchive' },
    identity: ['resource_id'],
    enriched: CONTAINER,
  }),
  'collection.created': eventType('collection.created', container, 'A collection was created', {
    stated: [['resource_id']],
    resource: resource('collection'),
    v1: { category: 'create' },
    identity: ['resource_id'],
    answered: true,
    enriched: CONTAINER,
  }),
  'collection.deleted': eventType('collection.deleted', container, 'A collection was deleted or moved to the trash', {
    stated: [['resource_id']],
    resource: resource('collection'),
    v1: { category: 'delete' },
    identity: ['resource_id'],
    enriched: CONTAINER,
  }),
  'space.created': eventType('space.created', {}, 'A space was created', {
    stated: [['resource_id']],
    resource: resource('space'),
    v1: { category: 'create' },
    identity: ['resource_id'],
    answered: true,
    enriched: ['resource_name', ...AUTHOR],
  }),
  'space.deleted': eventType('space.deleted', {}, 'A space was deleted', {
    stated: [['resource_id']],
    resource: resource('space'),
    v1: { category: 'delete' },
    identity: ['resource_id'],
    enriched: ['resource_name', ...AUTHOR],
  }),
  'extraction.queued': eventType('extraction.queued', extraction, 'A job was submitted to an extractor', {
    stated: [['file_id', 'dataset_id']],
    v1: { category: 'extraction' },
    identity: ['file_id', 'dataset_id'],
    enriched: EXTRACTION,
  }),
  'extraction.working': eventType('extraction.working', extraction, 'An extractor reported progress', {
    stated: [['file_id', 'dataset_id', 'job_id']],
    v1: { category: 'extraction_working' },
    identity: ['file_id', 'dataset_id'],
    enriched: EXTRACTION,
  }),
  'extraction.done': eventType('extraction.done', extraction, 'An extractor finished a job', {
    stated: [['file_id', 'dataset_id', 'job_id']],
    v1: { category: 'extraction_done' },
    identity: ['file_id', 'dataset_id'],
    enriched: EXTRACTION,
  }),
  'extraction.failed': eventType('extraction.failed', extraction, 'An extractor gave up on a job', {
    stated: [['file_id', 'dataset_id', 'job_id']],
    v1: { category: 'extraction_failed' },
    identity: ['file_id', 'dataset_id'],
    enriched: EXTRACTION,
  }),
  'view.page': eventType('view.page', page, 'A page that is not about one resource was shown', {
    stated: [],
    v1: { category: 'view_page', type: 'page' },
    identity: ['resource_id'],
    enriched: [],
  }),
  'view.resource': eventType(
    'view.resource',
    viewedResource,
    'The page of a file, dataset, collection or space was shown',
    {
      stated: [],
      v1: { category: 'view_resource' },
      identity: ['resource_id'],
      enriched: ['resource_name', 'dataset_id', 'folder_id', 'space_id', ...AUTHOR],
    },
  ),
  'view.download': eventType('view.download', download, 'A file, dataset or collection was downloaded', {
    stated: [['resource_id']],
    v1: { category: 'download' },
    identity: ['resource_id'],
    enriched: ['file_name', 'resource_name', 'dataset_id', 'folder_id', ...AUTHOR],
  }),
  'user.login': eventType('user.login', user, 'A session was opened', {
    stated: [['user_id', 'user_name']],
    v1: { category: 'user_activity', type: 'login' },
    identity: [],
    enriched: [],
  }),
  'user.signup': eventType('user.signup', user, 'An account was created', {
    stated: [['user_id', 'user_name']],
    v1: { category: 'user_activity', type: 'signup' },
    identity: [],
    enriched: [],
  }),
  'health.ping': eventType(
    'health.ping',
    ping,
    'One reading of the health of one component; from the monitor as `service_status`, `up` or `down`',
    { stated: [], v1: { category: 'health', type: 'ping' }, identity: [], enriched: [] },
  ),
  'health.connections': eventType('health.connections', connections, 'What the web server saw in one window of time', {
    stated: [],
    v1: { category: 'health', type: 'connections' },
    identity: [],
    enriched: [],
  }),
};

export type EventType = keyof typeof EVENTS;

/** The schema of each event type. */
export const eventSchemas = Object.fromEntries(Object.entries(EVENTS).map(([type, { schema }]) => [type, schema])) as {
  readonly [T in EventType]: (typeof EVENTS)[T]['schema'];
};

/** An event as described by the taxonomy: one flat object. */
export type ClowderEvent = { [T in EventType]: z.infer<(typeof eventSchemas)[T]> }[EventType];
/** Every field that some event type has. */
export type EventField = { [T in EventType]: keyof z.infer<(typeof eventSchemas)[T]> }[EventType];

export const EVENT_TYPES = Object.keys(eventSchemas) as EventType[];

export function isEventType(value: unknown): value is EventType {
  return typeof value === 'string' && Object.hasOwn(eventSchemas, value);
}

/** The traits with what the compiler knows of each: which fields a stated event of a type must name. */
export type EventTraits = typeof EVENTS;

/** What the schemas do not say: whose event it is, what a stated one must name, and its names in Clowder v1. */
export const eventTraits: Readonly<Record<EventType, Traits<EventField>>> = EVENTS;
