import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { EVENT_TYPES, isEventType } from '../../taxonomy/event-types.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { csvOf } from '../../runtime/csv.ts';
import { formatOf } from './formats.ts';
import { readHistoryPage, type History } from './history-page.ts';
import { oneAtATime } from '../slices.ts';
import { whole } from './query.ts';

const RFC_3339 = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);
const time = z
  .string()
  .refine(
    (given) => /^\d{1,15}$/.test(given) || RFC_3339.safeParse(given).success,
    'must be RFC 3339 or Unix milliseconds',
  )
  .transform((given) => (/^\d+$/.test(given) ? Number(given) : Date.parse(given)));

/** Event types in a query. */
export const typesQuery = z
  .string()
  .refine((given) => given.split(',').every(isEventType), `must be of ${EVENT_TYPES.join(', ')}`)
  .optional()
  .describe('Event types, separated by commas');

/** Query of GET /api/v1/events. */
export const historyQuery = z.object({
  type: typesQuery,
  since: time.optional().describe('Created at or after: RFC 3339, or Unix milliseconds'),
  until: time.optional().describe('Created before'),
  source: z.string().optional(),
  client_kind: z.string().optional(),
  resource_id: z.string().optional(),
  user_id: z.string().optional(),
  clowder_instance: z.string().optional(),
  limit: whole(1, 1000).default(100),
  order: z.enum(['asc', 'desc']).default('desc').describe('By the time of acceptance'),
  cursor: z
    .string()
    .regex(/^\d+\.\d+$/, 'must be the "next" of an earlier answer')
    .optional(),
  format: z.enum(['json', 'ndjson', 'csv']).optional(),
});

/** The journal's history: filtered, one page at a time. */
export function historyRoute(history: History) {
  const inTurn = oneAtATime();
  return async function listEvents(c: Context, query: z.output<typeof historyQuery>): Promise<Response> {
    const { events, next } = await inTurn(() => readHistoryPage(history, query));
    const format = query.format ?? formatOf(c.req.header('accept'));
    if (format === 'ndjson')
      return text(c, events.map((event) => `${JSON.stringify(event)}\n`).join(''), 'application/x-ndjson', next);
    if (format === 'csv') return text(c, toCsv(events), 'text/csv; charset=utf-8', next);
    return c.json({ events, ...(next !== undefined && { next }) });
  };
}

function text(c: Context, body: string, type: string, next: string | undefined): Response {
  if (next !== undefined) c.header('x-next-cursor', next);
  return c.body(body, 200, { 'content-type': type });
}

function toCsv(events: readonly FlatBody[]): string {
  return csvOf([...new Set(events.flatMap((event) => Object.keys(event)))], events);
}
