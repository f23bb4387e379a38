import type { Context, Handler } from 'hono';
import { z } from 'zod';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { EventsDependencies } from './events-routes.ts';
import { problem } from './problem.ts';

const RFC_3339 = z.union([z.iso.datetime({ offset: true }), z.iso.date()]);
const time = z
  .string()
  .refine(
    (given) => /^\d{1,15}$/.test(given) || RFC_3339.safeParse(given).success,
    'must be RFC 3339 or Unix milliseconds',
  )
  .transform((given) => (/^\d+$/.test(given) ? Number(given) : Date.parse(given)));

/** Query of GET /api/v1/events. */
export const historyQuery = z.object({
  type: z.string().optional().describe('Event types, separated by commas'),
  since: time.optional().describe('Created at or after: RFC 3339, or Unix milliseconds'),
  until: time.optional().describe('Created before'),
  source: z.string().optional(),
  client_kind: z.string().optional(),
  resource_id: z.string().optional(),
  user_id: z.string().optional(),
  clowder_instance: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  order: z.enum(['asc', 'desc']).default('desc').describe('By the time of acceptance'),
  cursor: z
    .string()
    .regex(/^\d+\.\d+$/, 'must be the "next" of an earlier answer')
    .optional(),
  format: z.enum(['json', 'ndjson', 'csv']).optional(),
});

type Query = z.infer<typeof historyQuery>;

const EXACT = ['source', 'client_kind', 'resource_id', 'user_id', 'clowder_instance'] as const;
/** How much of the journal one request looks through before it hands back a page, full or not. */
const LINES_MAX = 200_000;

/** The journal's history: filtered, a page at a time. */
export function historyRoute(history: EventsDependencies['history']): Handler {
  return function listEvents(c) {
    const parsed = historyQuery.safeParse(c.req.query());
    if (!parsed.success) {
      const reasons = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
      return problem(c, 400, 'invalid_query', `The query is wrong: ${reasons}`);
    }
    const { events, next } = page(history, parsed.data);
    const format = parsed.data.format ?? formatOf(c.req.header('accept'));
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

function formatOf(accept = ''): 'json' | 'ndjson' | 'csv' {
  if (accept.includes('application/x-ndjson')) return 'ndjson';
  return accept.includes('text/csv') ? 'csv' : 'json';
}

/** A cursor is a row and the number of its lines that were looked at. */
function page(history: EventsDependencies['history'], query: Query): { events: FlatBody[]; next: string | undefined } {
  const [cursorRow, cursorLine] = (query.cursor ?? '0.0').split('.').map(Number);
  const step = query.order === 'asc' ? -1 : 1;
  const events: FlatBody[] = [];
  let looked = 0;
  for (const { row, lines } of history.scan({
    direction: query.order,
    ...(cursorRow ? { fromRow: cursorRow + step } : {}),
  })) {
    const from = row === cursorRow ? (cursorLine ?? 0) : 0;
    for (let index = from; index < lines.length; index += 1) {
      const line = lines[query.order === 'asc' ? index : lines.length - 1 - index];
      looked += 1;
      const body = JSON.parse(line ?? '{}') as FlatBody;
      if (matches(body, query)) events.push(body);
      if (events.length >= query.limit || looked >= LINES_MAX) return { events, next: `${row}.${index + 1}` };
    }
  }
  return { events, next: undefined };
}

function matches(body: FlatBody, query: Query): boolean {
  if (query.type !== undefined && !query.type.split(',').includes(body.event)) return false;
  if (query.since !== undefined && body.created < query.since) return false;
  if (query.until !== undefined && body.created >= query.until) return false;
  return EXACT.every((field) => query[field] === undefined || body[field] === query[field]);
}

function toCsv(events: readonly FlatBody[]): string {
  const columns = [...new Set(events.flatMap((event) => Object.keys(event)))];
  const rows = events.map((event) => columns.map((column) => cell(event[column])).join(','));
  return [columns.join(','), ...rows].map((row) => `${row}\r\n`).join('');
}

/** Quoted as in RFC 4180; what a spreadsheet would take for a formula gets an apostrophe. */
function cell(value: string | number | boolean | undefined): string {
  if (typeof value !== 'string') return value === undefined ? '' : String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
