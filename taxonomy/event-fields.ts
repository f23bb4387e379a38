import { z } from 'zod';
import { fitsShortString, SHORT_STRING_BYTES } from './short-string.ts';
import { WITHOUT_CONTROL } from './text.ts';

/**
 * What a field tells about people. It decides what third parties get, so a field without a class does not compile.
 *
 * - `thing`: nothing. What happened, when, to which resource, and figures of machines
 * - `person`: who it was, or a name for them that others may resolve
 * - `trail`: links an event to the rest of a person's visit: addresses, sessions, traces, devices
 * - `words`: written by people, and may be about people: names of files and datasets, titles, messages
 * - `place`: a page's address, whose path and query may name people
 */
export type FieldClass = 'thing' | 'person' | 'trail' | 'words' | 'place';

/** A schema that knows what its field tells about people. */
export type Field = z.ZodType & { readonly tells: FieldClass };

const telling =
  (tells: FieldClass) =>
  <Schema extends z.ZodType>(schema: Schema): Schema & Field =>
    Object.assign(schema.clone(), { tells });

export const thing = telling('thing');
const [person, trail, words, place] = [telling('person'), telling('trail'), telling('words'), telling('place')];

export const SOURCES = ['proxy', 'nginx', 'sdk', 'api', 'browser', 'monitor', 'rabbitmq'] as const;
export const CLIENT_KINDS = ['browser', 'extractor', 'api', 'bot'] as const;
export const AUTH_METHODS = ['none', 'session', 'api_key', 'token', 'basic'] as const;

/** Ids appear in headers, lines and tables; a control character could break out of them. */
const withoutControl = (given: z.ZodString): z.ZodString => given.regex(WITHOUT_CONTROL, 'has control characters');
const id = withoutControl(z.string().min(1).max(256));
const name = z.string().min(1).max(1024);
const url = z.string().min(1).max(8192);
const count = z.int().nonnegative();
/** A hundred years. A larger figure is an error of unit or clock, and would distort sums and averages. */
const LONGEST_S = 3_155_760_000;
export const LONGEST_MS = LONGEST_S * 1000;
const milliseconds = z.number().nonnegative().max(LONGEST_MS);
const seconds = z.number().nonnegative().max(LONGEST_S);
const perSecond = z.number().nonnegative().max(1e12);
/** Certificates may be valid up to the year 9999. */
const MOST_DAYS = 3_000_000;

/** Fields that every event may have, in the order in which they are written. */
export const commonFields = {
  event_id: thing(
    withoutControl(z.string().min(1).max(128))
      .refine(fitsShortString, `is longer than ${SHORT_STRING_BYTES} bytes in UTF-8`)
      .describe('Identity: the same event always has the same id'),
  ),
  created: thing(z.int().describe('When it happened, Unix time in milliseconds')),
  source: thing(
    z
      .enum(SOURCES)
      .optional()
      .describe('Who observed it; `sdk` is an instrumented server, or a program that states its own'),
  ),
  user_id: person(id.optional()),
  user_name: person(name.optional()),
  author_id: person(id.optional().describe('Owner of the resource')),
  author_name: person(name.optional()),
  session_id: trail(id.optional()),
  auth_method: thing(
    z
      .enum(AUTH_METHODS)
      .optional()
      .describe('What the request carried for Clowder to recognise the user; known only if its headers were seen'),
  ),
  client_address: trail(
    z.string().max(64).optional().describe('Anonymised to /24 (IPv4) or /48 (IPv6) unless configured otherwise'),
  ),
  client_id: trail(
    z.string().max(64).optional().describe('Keyed hash of full address and user agent; the key changes daily'),
  ),
  user_agent: trail(z.string().max(1024).optional()),
  client_kind: thing(z.enum(CLIENT_KINDS).optional()),
  trace_id: trail(
    z
      .string()
      .regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex digits')
      .optional(),
  ),
  span_id: trail(
    z
      .string()
      .regex(/^[0-9a-f]{16}$/, 'must be 16 lower-case hex digits')
      .optional(),
  ),
  clowder_instance: thing(name.optional()),
  resource_id: thing(id.optional().describe('The resource that the event is about')),
  resource_type: thing(z.string().min(1).max(64).optional()),
  resource_name: words(name.optional()),
  recovered: thing(
    z.literal(true).optional().describe('Published from a weaker observation, because the stronger one never came'),
  ),
};

export const file = {
  file_id: thing(id.optional()),
  file_name: words(name.optional()),
  dataset_id: thing(id.optional()),
  dataset_name: words(name.optional()),
  folder_id: thing(id.optional()),
  space_id: thing(id.optional()),
  bytes: thing(count.optional()),
  content_type: thing(z.string().min(1).max(256).optional()),
  version: thing(z.union([z.int(), z.string().min(1).max(64)]).optional()),
};

export const extraction = {
  message: words(z.string().max(32_768).optional()),
  status: words(z.string().max(256).optional()),
  extractor_name: thing(name.optional()),
  extractor_version: thing(z.string().max(64).optional()),
  file_id: thing(id.optional()),
  dataset_id: thing(id.optional()),
  job_id: thing(
    id
      .optional()
      .describe(
        'One run of one extractor. With an id from Clowder, there is one event each of queued, done and failed, whoever reports it',
      ),
  ),
  duration_ms: thing(milliseconds.optional()),
  bytes_downloaded: thing(
    count
      .optional()
      .describe(
        'How much the extractor downloaded for the job, added up from its download events; absent if that is not certain',
      ),
  ),
};

export const container = { space_id: thing(id.optional()) };

export const page = { url: place(url), referrer: place(url.optional()), title: words(name.optional()) };

export const endedView = {
  view_id: thing(id.describe('`event_id` of the view')),
  url: place(url.optional()),
  visible_ms: thing(count.optional().describe('How long the page was visible; time in a hidden tab does not count')),
};

export const viewedResource = {
  url: place(url.optional()),
  referrer: place(url.optional()),
  title: words(name.optional()),
  resource_type: thing(z.enum(['file', 'dataset', 'collection', 'space'])),
  resource_id: thing(id),
  dataset_id: thing(id.optional()),
  folder_id: thing(id.optional()),
  space_id: thing(id.optional()),
};

export const download = {
  url: place(url.optional()),
  resource_type: thing(z.enum(['file', 'dataset', 'collection'])),
  file_name: words(name.optional()),
  dataset_id: thing(id.optional()),
  folder_id: thing(id.optional()),
  bytes: thing(count.optional().describe('Bytes sent; for a file in pieces, each byte counts once')),
  content_type: thing(
    z.string().min(1).max(256).optional().describe('Of a file as it is stored: type and subtype that the answer named'),
  ),
  complete: thing(
    z
      .boolean()
      .optional()
      .describe('Whether all of it was sent; false if the client left early, or if pieces are missing'),
  ),
  range: thing(z.string().max(256).optional().describe('For a file in pieces: which bytes, of how many')),
  format: thing(z.string().max(64).optional()),
  version: thing(z.union([z.int(), z.string().min(1).max(64)]).optional()),
  tracked: thing(
    z.boolean().optional().describe('false if Clowder was asked not to count it, or if a page displays it'),
  ),
  preview: thing(
    z
      .literal(true)
      .optional()
      .describe('A script on a page of Clowder fetched the file to display it: not a download by a person'),
  ),
  via: thing(z.enum(['presigned']).optional().describe('presigned: the bytes come directly from the object store')),
};

export const user = {};

export const ping = {
  target: place(z.string().min(1).max(2048)),
  component: thing(name.optional()),
  probe: thing(name.optional().describe('Name of the probe in the configuration of the monitor')),
  healthy: thing(z.boolean()),
  changed: thing(z.boolean().optional().describe('true if the state has changed')),
  down_for_s: thing(
    seconds.optional().describe('How long it has been down; present while it is down, and once when it is up again'),
  ),
  status_code: thing(z.int().min(0).max(999).optional()),
  response_time_ms: thing(milliseconds.optional()),
  dns_time_ms: thing(milliseconds.optional().describe('Part of the response time: looking up the host')),
  connect_time_ms: thing(milliseconds.optional().describe('Part of the response time: connecting')),
  tls_time_ms: thing(milliseconds.optional().describe('Part of the response time: the TLS handshake')),
  first_byte_time_ms: thing(
    milliseconds.optional().describe('Part of the response time: from the request to the first byte of the answer'),
  ),
  response_time_avg: thing(count.optional().describe('Average of the latest readings, whole milliseconds')),
  response_time_min: thing(count.optional()),
  response_time_max: thing(count.optional()),
  response_time_loss: thing(z.int().min(0).max(100).optional().describe('Percent of the latest readings that failed')),
  bytes: thing(count.optional().describe('Size of a download')),
  download_rate: thing(
    perSecond.optional().describe('For a download: bytes a second, from the request to the last byte'),
  ),
  queue_length: thing(count.optional()),
  consumers: thing(count.optional()),
  messages_unacknowledged: thing(count.optional()),
  publish_rate: thing(perSecond.optional().describe('Messages a second')),
  deliver_rate: thing(perSecond.optional().describe('Messages a second')),
  memory_alarm: thing(z.boolean().optional()),
  disk_alarm: thing(z.boolean().optional()),
  broker_connections: thing(count.optional()),
  blocked_connections: thing(count.optional()),
  disk_free_bytes: thing(count.optional()),
  disk_total_bytes: thing(count.optional()),
  disk_used_percent: thing(z.number().min(0).max(100).optional()),
  uptime_s: thing(seconds.optional().describe('Time since the monitor saw it come up')),
  reported_uptime_s: thing(seconds.optional().describe('What the component itself reports')),
  version: thing(z.string().max(64).optional()),
  tls_days_left: thing(z.number().min(-MOST_DAYS).max(MOST_DAYS).optional()),
  error: words(z.string().max(4096).optional()),
};

export const connections = {
  component: thing(name.optional().describe('The web server: `service.name` of its log')),
  window_start: thing(z.int().describe('Unix time in milliseconds; a request belongs to the window in which it ended')),
  window_end: thing(z.int()),
  connections: thing(count.optional().describe('Connections that sent a request in the window')),
  new_connections: thing(count.optional().describe('Connections that sent their first request in the window')),
  requests: thing(
    count.describe('Requests without those of bots; connections, clients, responses and bytes leave bots out too'),
  ),
  unique_clients: thing(count.optional().describe('Clients, without those that the web server itself refused')),
  responses_1xx: thing(count.optional()),
  responses_2xx: thing(count.optional()),
  responses_3xx: thing(count.optional()),
  responses_4xx: thing(count.optional()),
  responses_5xx: thing(count.optional()),
  bytes: thing(
    count
      .optional()
      .describe(
        'Bytes sent to clients, including headers and chunk framing; without them if the log only counts bodies, as `combined` does',
      ),
  ),
  bot_connections: thing(count.optional()),
  bot_requests: thing(count.optional()),
  bot_clients: thing(count.optional()),
  bot_responses_1xx: thing(count.optional()),
  bot_responses_2xx: thing(count.optional()),
  bot_responses_3xx: thing(count.optional()),
  bot_responses_4xx: thing(count.optional()),
  bot_responses_5xx: thing(count.optional()),
  bot_bytes: thing(count.optional()),
};
