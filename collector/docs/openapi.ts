import { OpenAPIHono, createRoute, z, type RouteConfig } from '@hono/zod-openapi';
import { EVENT_TYPES, eventSchemas, type EventType } from '../../taxonomy/event-types.ts';
import { statedExample } from '../../taxonomy/json-schema.ts';
import { historyQuery } from '../api/history-route.ts';
import { ref, registerComponents } from './components.ts';

type Content = NonNullable<Exclude<RouteConfig['responses'][string], { $ref: string }>['content']>;
type Responses = RouteConfig['responses'];

const SECURITY = [{ bearer: [] }, { apiKey: [] }];
const OPEN: typeof SECURITY = [];
const RETRY_AFTER = { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } } as const;

const json = (name: string): Content => ({ 'application/json': { schema: ref(name) } });
const answer = (description: string, content: Content) => ({ description, content });

/** Answers of the API where it does not do what was asked for, by status. */
const PROBLEMS = {
  400: 'The request is not what it must be',
  401: 'No key, or one that is unknown or revoked',
  403: 'The key has another scope, or no key is made yet and this is another machine',
  413: 'More than 1,000 events, or 4 MiB',
  415: 'Another Content-Type, or Content-Encoding',
  422: 'No event was accepted; `rejected` says why',
  429: 'Too many requests: see Retry-After',
  503: 'The journal cannot take it now: see Retry-After',
} as const;

function problems(...statuses: readonly (keyof typeof PROBLEMS)[]): Responses {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        ...answer(PROBLEMS[status], { 'application/problem+json': { schema: ref('Problem') } }),
        ...((status === 429 || status === 503) && { headers: RETRY_AFTER }),
      },
    ]),
  );
}

const POSTING = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .optional()
    .describe('The same key gives the same event ids, so that a repeated request is accepted once'),
});
const POSTED: Responses = {
  202: answer('Journaled: it will not be lost', json('Accepted')),
  ...problems(400, 401, 403, 413, 415, 422, 429, 503),
};

const CLOUD_EVENT = {
  specversion: '1.0',
  id: 'import-1',
  source: '/cron/nightly-import',
  type: 'dataset.created',
  subject: 'dataset/5f1e00000000000000000002',
};

const EVENTS: readonly RouteConfig[] = [
  {
    method: 'post',
    path: '/api/v1/events',
    operationId: 'post_events',
    tags: ['events'],
    summary: 'Post one event, or up to 1,000',
    security: SECURITY,
    request: {
      headers: POSTING,
      body: {
        required: true,
        content: {
          'application/json': {
            schema: { oneOf: [ref('PostedEvent'), { type: 'array', maxItems: 1000, items: ref('PostedEvent') }] },
            examples: {
              one: { summary: 'One event', value: statedExample('file.uploaded') },
              batch: {
                summary: 'A batch',
                value: [statedExample('dataset.created'), statedExample('extraction.done')],
              },
            },
          },
          'application/cloudevents+json': { schema: ref('CloudEvent'), example: CLOUD_EVENT },
          'application/cloudevents-batch+json': {
            schema: { type: 'array', maxItems: 1000, items: ref('CloudEvent') },
            example: [CLOUD_EVENT],
          },
        },
      },
    },
    responses: POSTED,
  },
  {
    method: 'get',
    path: '/api/v1/events',
    operationId: 'list_events',
    tags: ['events'],
    summary: 'History of the journal: JSON, NDJSON or CSV',
    security: SECURITY,
    request: { query: historyQuery },
    responses: {
      200: {
        ...answer('A page', {
          'application/json': {
            schema: {
              type: 'object',
              required: ['events'],
              properties: {
                events: { type: 'array', items: ref('Event') },
                next: { type: 'string', description: 'Where more may follow: give it as `cursor`' },
              },
            },
          },
          'application/x-ndjson': { schema: { type: 'string', description: 'An event a line' } },
          'text/csv': { schema: { type: 'string', description: 'RFC 4180, a column for each field there is' } },
        }),
        headers: {
          'X-Next-Cursor': { description: 'As `next`, for NDJSON and CSV', schema: { type: 'string' } },
        },
      },
      ...problems(400, 401, 403, 429),
    },
  },
  {
    method: 'get',
    path: '/api/v1/events/stream',
    operationId: 'stream_events',
    tags: ['events'],
    summary: 'Events as they are accepted (server-sent events)',
    security: SECURITY,
    request: { query: z.object({ type: historyQuery.shape.type }) },
    responses: {
      200: answer('A stream: `event` is the type, `id` the id, `data` the event', {
        'text/event-stream': { schema: { type: 'string' } },
      }),
      ...problems(401, 403, 429),
    },
  },
  {
    method: 'post',
    path: '/api/v1/browser',
    operationId: 'post_page_view',
    tags: ['events'],
    summary: 'Page view of the browser snippet, from pages of ALLOWED_ORIGINS',
    description: 'The key (scope browser) is in the body or the query, as sendBeacon sends no headers of its own.',
    security: OPEN,
    request: {
      query: z.object({ key: z.string().optional() }),
      body: {
        required: true,
        content: {
          'application/json': {
            schema: ref('PageView'),
            example: { url: 'https://clowder.example/datasets/5f1e00000000000000000002', title: 'A dataset' },
          },
        },
      },
    },
    responses: {
      202: answer('Journaled', json('PageViewAccepted')),
      ...problems(400, 401, 403, 413, 415, 422, 429, 503),
    },
  },
];

const BY_TYPE: readonly RouteConfig[] = EVENT_TYPES.map((type: EventType) => ({
  method: 'post',
  path: `/api/v1/events/${type}`,
  operationId: `post_${type.replace('.', '_')}`,
  tags: ['events by type'],
  summary: eventSchemas[type].description ?? type,
  security: SECURITY,
  request: {
    headers: POSTING,
    body: {
      required: true,
      content: { 'application/json': { schema: ref(`${type}.posted`), example: statedExample(type) } },
    },
  },
  responses: POSTED,
}));

const REJECTED: readonly RouteConfig[] = [
  {
    method: 'get',
    path: '/api/v1/rejected',
    operationId: 'list_rejected',
    tags: ['rejected'],
    summary: 'Telemetry that stated an event wrongly',
    security: SECURITY,
    request: {
      query: z.object({
        limit: z.coerce.number().int().min(1).max(1000).default(100),
        after: z.coerce.number().int().optional().describe('Records with a greater id'),
      }),
    },
    responses: { 200: answer('Records and reasons', json('RejectedRecords')), ...problems(401, 403, 429) },
  },
  {
    method: 'post',
    path: '/api/v1/rejected/replay',
    operationId: 'replay_rejected',
    tags: ['rejected'],
    summary: 'Check rejected records again, and journal those that are right now',
    security: SECURITY,
    request: { body: { required: true, content: { 'application/json': { schema: ref('Replay'), example: {} } } } },
    responses: { 200: answer('What became of them', json('Replayed')), ...problems(400, 401, 403, 429, 503) },
  },
];

/** OTLP's errors have the encoding of the request. */
const RPC_ERRORS: Responses = Object.fromEntries(
  ([400, 401, 403, 413, 415, 429, 503] as const).map((status) => [
    status,
    {
      ...answer(PROBLEMS[status].replace(/^More than.*/, 'Larger than MAX_BODY_BYTES, before or after decompression'), {
        'application/x-protobuf': {},
        'application/json': { schema: ref('Status') },
      }),
      ...((status === 429 || status === 503) && { headers: RETRY_AFTER }),
    },
  ]),
);

const OTLP: readonly RouteConfig[] = (
  [
    ['traces', 'resourceSpans'],
    ['logs', 'resourceLogs'],
    ['metrics', 'resourceMetrics'],
  ] as const
).map(([signal, field]) => ({
  method: 'post',
  path: `/v1/${signal}`,
  operationId: `export_${signal}`,
  tags: ['OpenTelemetry'],
  summary: `OTLP/HTTP: ${signal}`,
  security: SECURITY,
  request: {
    body: {
      required: true,
      content: {
        'application/x-protobuf': {},
        'application/json': {
          schema: { type: 'object', properties: { [field]: { type: 'array', items: { type: 'object' } } } },
          example: { [field]: [] },
        },
      },
    },
  },
  responses: {
    200: answer('Taken; records that never can be are named', {
      'application/x-protobuf': {},
      'application/json': { schema: ref('ExportResponse') },
    }),
    ...RPC_ERRORS,
  },
}));

const STATE: readonly RouteConfig[] = [
  {
    method: 'get',
    path: '/healthz',
    operationId: 'get_health',
    tags: ['state'],
    summary: 'Whether the process answers',
    security: OPEN,
    responses: { 200: answer('It does', json('Health')) },
  },
  {
    method: 'get',
    path: '/readyz',
    operationId: 'get_readiness',
    tags: ['state'],
    summary: 'Journal, broker and backlog, with reasons',
    security: OPEN,
    responses: {
      200: answer('Ready, or degraded: events are taken and wait', json('Readiness')),
      503: answer('Unavailable: events cannot be taken', json('Readiness')),
    },
  },
  {
    method: 'get',
    path: '/metrics',
    operationId: 'get_metrics',
    tags: ['state'],
    summary: 'Metrics for Prometheus',
    security: OPEN,
    responses: { 200: answer("Prometheus' text format", { 'text/plain': { schema: { type: 'string' } } }) },
  },
];

/**
 * OpenAPI 3.1 of the collector. The schemas are those of the taxonomy and of the routes; none of this is on the way of a
 * request, so that no body is parsed twice.
 */
export function openApiDocument(version: string): object {
  const app = new OpenAPIHono();
  registerComponents(app.openAPIRegistry);
  for (const route of [...EVENTS, ...BY_TYPE, ...REJECTED, ...OTLP, ...STATE])
    app.openAPIRegistry.registerPath(createRoute(route));
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'clowder-otel collector',
      version,
      description:
        'Takes events of Clowder and what belongs to it. A 202 means that the event is on disk and will reach RabbitMQ.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'events' },
      { name: 'events by type' },
      { name: 'rejected', description: 'Stated events of telemetry that were wrong' },
      { name: 'OpenTelemetry', description: 'OTLP receiver' },
      { name: 'state' },
    ],
  });
}
