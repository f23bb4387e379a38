import { z, type RouteConfig } from '@hono/zod-openapi';
import { EVENT_TYPES, eventSchemas, type EventType } from '../../../../taxonomy/event-types.ts';
import { statedExample } from '../../../../taxonomy/json-schema.ts';
import { historyQuery } from '../../history-route.ts';
import { streamQuery } from '../../stream-route.ts';
import { OPEN, SECURITY, answer, json, problems, ref, type Responses } from './answers.ts';

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

/** The events API. */
export const EVENT_PATHS: readonly RouteConfig[] = [
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
    request: { query: streamQuery },
    responses: {
      200: answer('A stream: `event` is the type, `id` the id, `data` the event', {
        'text/event-stream': { schema: { type: 'string' } },
      }),
      ...problems(400, 401, 403, 429),
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

/** One endpoint for each event type, each with its schema. */
export const PATHS_BY_TYPE: readonly RouteConfig[] = EVENT_TYPES.map((type: EventType) => ({
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
