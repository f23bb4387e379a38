import { Hono, type Context } from 'hono';
import { show, type EventIssue } from '../../taxonomy/check-draft.ts';
import { z } from 'zod';
import { EVENT_TYPES, eventSchemas, isEventType } from '../../taxonomy/event-types.ts';
import { statedExample } from '../../taxonomy/json-schema.ts';
import { CollectorError, type ErrorCode } from '../errors.ts';
import { createByteBudget } from '../otlp/byte-budget.ts';
import { idsOf, type StatedEvent, type StatedVerdict } from '../intake/stated-intake.ts';
import { producerNow } from '../keys/sender.ts';
import type { History } from './history-page.ts';
import { ANSWERS } from './answer-schemas.ts';
import { answer, json, ref } from './answers.ts';
import type { LiveEvents } from './live-events.ts';
import { historyQuery, historyRoute } from './history-route.ts';
import { JSON_ERRORS, readEvents, type Posted } from './request-body.ts';
import { defineRoute, serve, type Route } from './route.ts';
import { streamQuery, streamRoute } from './stream-route.ts';

export interface EventsDependencies {
  /** Resolves when the events are journaled; rejects with a CollectorError if the journal cannot take them. */
  readonly submit: (events: readonly StatedEvent[]) => Promise<readonly StatedVerdict[]>;
  readonly history: History;
  /** Calls the listener for every event accepted from now on, until the returned function is called. */
  readonly live: LiveEvents['listen'];
}

interface Refusal {
  readonly index: number;
  readonly issues: readonly EventIssue[];
}

const BUDGET_BYTES = 64 * 1024 * 1024;

const POSTING = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .optional()
    .describe('The same key gives the same event ids, so that a repeated request is accepted once'),
});
const CLOUD_EVENT = {
  specversion: '1.0',
  id: 'import-1',
  source: '/cron/nightly-import',
  type: 'dataset.created',
  subject: 'dataset/5f1e00000000000000000002',
};

const POST_ERRORS = [
  ...JSON_ERRORS,
  'unsupported_media_type',
  'batch_too_large',
  'invalid_event',
  'journal_full',
  'journal_unavailable',
] as const satisfies readonly ErrorCode[];
const POSTED = { 202: answer('Journaled: it will not be lost', json(ANSWERS.Accepted)) };

const postEvents = defineRoute({
  method: 'post',
  path: '/api/v1/events',
  scope: 'ingest',
  operationId: 'post_events',
  tags: ['events'],
  summary: 'Post one event, or up to 1,000',
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
  errors: POST_ERRORS,
});

/** One endpoint for each event type, each with its schema. */
const postEventsOfType = defineRoute({
  method: 'post',
  path: '/api/v1/events/{type}',
  scope: 'ingest',
  operationId: 'post_events_of_type',
  tags: ['events by type'],
  summary: 'Post events of one type',
  responses: POSTED,
  errors: POST_ERRORS,
  documentedAs: EVENT_TYPES.map((type) => ({
    path: `/api/v1/events/${type}`,
    operationId: `post_${type.replace('.', '_')}`,
    summary: eventSchemas[type].description ?? type,
    request: {
      headers: POSTING,
      body: {
        required: true,
        content: { 'application/json': { schema: ref(`${type}.posted`), example: statedExample(type) } },
      },
    },
  })),
});

const listEvents = defineRoute({
  method: 'get',
  path: '/api/v1/events',
  scope: 'read',
  operationId: 'list_events',
  tags: ['events'],
  summary: 'History of the journal: JSON, NDJSON or CSV',
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
              next: { type: 'string', description: 'If more may follow: pass it as `cursor`' },
            },
          },
        },
        'application/x-ndjson': { schema: { type: 'string', description: 'An event a line' } },
        'text/csv': { schema: { type: 'string', description: 'RFC 4180, with a column for each field' } },
      }),
      headers: {
        'X-Next-Cursor': { description: 'As `next`, for NDJSON and CSV', schema: { type: 'string' } },
      },
    },
  },
});

const streamEvents = defineRoute({
  method: 'get',
  path: '/api/v1/events/stream',
  scope: 'read',
  operationId: 'stream_events',
  tags: ['events'],
  summary: 'Events as they are accepted (server-sent events)',
  request: { query: streamQuery },
  responses: {
    200: answer('A stream: `event` is the type, `id` the id, `data` the event', {
      'text/event-stream': { schema: { type: 'string' } },
    }),
  },
});

export const EVENT_ROUTES: readonly Route[] = [postEvents, listEvents, streamEvents];
export const EVENT_TYPE_ROUTES: readonly Route[] = [postEventsOfType];

/** POST /api/v1/events and /api/v1/events/{type}, GET /api/v1/events and its stream. */
export function eventsRoutes(deps: EventsDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(BUDGET_BYTES);

  async function post(c: Context, type: string | undefined) {
    const lease = budget.lease();
    try {
      const posted = await readEvents(c, lease);
      return await accept(
        c,
        posted.map((one) => withType(one, type)),
        type,
        deps,
      );
    } finally {
      lease.end();
    }
  }

  serve(app, postEvents, (c) => post(c, undefined));
  serve(app, postEventsOfType, (c) => {
    const type = c.req.param('type') ?? '';
    if (!isEventType(type))
      throw new CollectorError(
        'unknown_event_type',
        `There is no event type ${type.slice(0, 100)}; there are ${EVENT_TYPES.join(', ')}`,
      );
    return post(c, type);
  });
  serve(app, streamEvents, streamRoute(deps.live));
  serve(app, listEvents, historyRoute(deps.history));
  return app;
}

/** On an endpoint of one type, the event may omit its type, but must not name another one. */
function withType(posted: Posted, type: string | undefined): Posted {
  if (
    type === undefined ||
    !('value' in posted) ||
    typeof posted.value !== 'object' ||
    posted.value === null ||
    Array.isArray(posted.value)
  )
    return posted;
  const stated = 'event' in posted.value ? posted.value.event : undefined;
  if (stated !== undefined && stated !== type)
    return {
      issues: [
        {
          field: 'event',
          message: `is not the type of this endpoint`,
          received: show(stated),
          expected: type,
        },
      ],
    };
  return { value: { ...posted.value, event: type } };
}

async function accept(c: Context, posted: readonly Posted[], type: string | undefined, deps: EventsDependencies) {
  const idempotencyKey = c.req.header('idempotency-key')?.trim() ?? '';
  // An Idempotency-Key belongs to its endpoint (draft-ietf-httpapi-idempotency-key-header, section 2.2).
  const scope = `${producerNow() ?? ''}${type === undefined ? '' : `/${type}`}`;
  const ids = idempotencyKey === '' ? [] : idsOf(scope, idempotencyKey, posted.length);
  const events: StatedEvent[] = [];
  const places: number[] = [];
  const rejected: Refusal[] = [];
  posted.forEach((one, index) => {
    if ('issues' in one) {
      rejected.push({ index, issues: one.issues });
      return;
    }
    const eventId = ids[index];
    events.push(eventId === undefined ? { value: one.value } : { value: one.value, eventId });
    places.push(index);
  });
  const verdicts = await deps.submit(events);
  const accepted: string[] = [];
  let duplicates = 0;
  verdicts.forEach((verdict, place) => {
    if (verdict.ok) {
      accepted.push(verdict.id);
      if (verdict.duplicate) duplicates += 1;
    } else rejected.push({ index: places[place] ?? place, issues: verdict.issues });
  });
  rejected.sort((a, b) => a.index - b.index);
  if (accepted.length === 0 && rejected.length > 0) {
    const first = rejected[0]?.issues[0];
    const detail =
      first === undefined ? 'No event was accepted' : `No event was accepted: ${first.field} ${first.message}`;
    throw new CollectorError('invalid_event', detail, { members: { rejected: told(rejected) } });
  }
  return c.json({ accepted: accepted.length, duplicates, ids: accepted, rejected: told(rejected) }, 202);
}

/** How many issues one answer lists in full. */
const ISSUES_TOLD = 200;

/** Every rejected event by its index: the first ones with all issues in full, the others with their first issue in short. */
function told(rejected: readonly Refusal[]): readonly Refusal[] {
  let left = ISSUES_TOLD;
  return rejected.map(({ index, issues }) => {
    const whole = issues.slice(0, left);
    left -= whole.length;
    if (whole.length === issues.length) return { index, issues };
    const [first] = issues;
    const more = issues.length - Math.max(1, whole.length);
    return {
      index,
      issues: [
        ...(whole.length > 0 || first === undefined ? whole : [{ field: first.field, message: first.message }]),
        ...(more > 0 ? [{ field: '', message: `and ${more} more` }] : []),
      ],
    };
  });
}
