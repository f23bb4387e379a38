import { Hono, type Context } from 'hono';
import type { EventIssue } from '../../taxonomy/check-draft.ts';
import { EVENT_TYPES, isEventType } from '../../taxonomy/event-types.ts';
import { CollectorError } from '../errors.ts';
import { createByteBudget } from '../otlp/body.ts';
import { idsOf, type StatedEvent, type StatedVerdict } from '../intake/stated-intake.ts';
import type { History } from './history-page.ts';
import { historyRoute } from './history-route.ts';
import { readEvents, type Posted } from './request-body.ts';
import { streamRoute } from './stream-route.ts';

export interface EventsDependencies {
  /** Journaled when it resolves; rejects with a CollectorError where the journal cannot take them. */
  readonly submit: (events: readonly StatedEvent[]) => Promise<readonly StatedVerdict[]>;
  readonly history: History;
  /** Calls the listener with the JSON of every event accepted from now on, until the returned function is called. */
  readonly live: (listener: (line: string) => void) => () => void;
}

interface Refusal {
  readonly index: number;
  readonly issues: readonly EventIssue[];
}

const BUDGET_BYTES = 64 * 1024 * 1024;

/** POST /api/v1/events and /api/v1/events/{type}, GET /api/v1/events and its stream. */
export function eventsRoutes(deps: EventsDependencies): Hono {
  const app = new Hono();
  const budget = createByteBudget(BUDGET_BYTES);

  async function post(c: Context, type: string | undefined): Promise<Response> {
    const posted = await readEvents(c, budget);
    return accept(
      c,
      posted.map((one) => withType(one, type)),
      type,
      deps,
    );
  }

  app.post('/api/v1/events', (c) => post(c, undefined));
  app.post('/api/v1/events/:type', (c) => {
    const type = c.req.param('type');
    if (!isEventType(type))
      throw new CollectorError(
        'unknown_event_type',
        `There is no event type ${type.slice(0, 100)}; there are ${EVENT_TYPES.join(', ')}`,
      );
    return post(c, type);
  });
  app.get('/api/v1/events/stream', streamRoute(deps.live));
  app.get('/api/v1/events', historyRoute(deps.history));
  return app;
}

/** On an endpoint of one type the event need not say which it is, and must not say that it is another. */
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
          received: JSON.stringify(stated),
          expected: type,
        },
      ],
    };
  return { value: { ...posted.value, event: type } };
}

async function accept(
  c: Context,
  posted: readonly Posted[],
  type: string | undefined,
  deps: EventsDependencies,
): Promise<Response> {
  const idempotencyKey = c.req.header('idempotency-key')?.trim() ?? '';
  // An Idempotency-Key belongs to its endpoint (draft-ietf-httpapi-idempotency-key-header, section 2.2).
  const scope = `${String(c.get('keyId') ?? '')}${type === undefined ? '' : `/${type}`}`;
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
    throw new CollectorError('invalid_event', detail, { members: { rejected } });
  }
  return c.json({ accepted: accepted.length, duplicates, ids: accepted, rejected }, 202);
}
