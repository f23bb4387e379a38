import { Hono, type Context } from 'hono';
import { statsAnswer, type StatsAnswer } from '../../usage/ask/answer.ts';
import { isNamed, statsQuery, type Dimension, type StatsQuery } from '../../usage/ask/question.ts';
import { CollectorError } from '../errors.ts';
import { answer, json } from './answers.ts';
import { csvOf } from '../../runtime/csv.ts';
import { formatOf } from './formats.ts';
import { defineRoute, serve, type Route } from './route.ts';

const getStats = defineRoute({
  method: 'get',
  path: '/api/v1/stats',
  scope: 'read',
  operationId: 'get_stats',
  tags: ['usage'],
  summary: 'How much was it used: figures over months and years',
  request: { query: statsQuery },
  errors: ['usage_unavailable'],
  responses: {
    200: answer(
      'Figures, in the form that `format` or Accept asks for; NDJSON and CSV have the rows alone, with a column of names',
      {
        ...json(statsAnswer),
        'application/x-ndjson': {},
        'text/csv': {},
      },
    ),
  },
});

export const STATS_ROUTES: readonly Route[] = [getStats];

/** @param ask answers a question; absent if this collector does not count usage */
export function statsRoutes(ask: ((query: StatsQuery) => Promise<StatsAnswer>) | undefined): Hono {
  const app = new Hono();
  serve(app, getStats, async (c, query) => {
    if (ask === undefined)
      throw new CollectorError(
        'usage_unavailable',
        'Usage is not counted here: USAGE is off, or this is no collector of the command line',
      );
    return writeStats(c, await ask(query), query);
  });
  return app;
}

/** The answer in the requested format. */
export function writeStats(c: Context, found: StatsAnswer, { by, metric, compare, format }: StatsQuery): Response {
  const form = format ?? formatOf(c.req.header('accept'));
  if (form === 'json') return c.json(found);
  if (found.counted_until !== null) c.header('x-counted-until', found.counted_until);
  const figures = compare === undefined ? metric : metric.flatMap((name) => [name, `${name}_before`]);
  const names = nameColumns(found, by);
  const columns = [...by, ...figures, ...names.keys()];
  const rows = by.length === 0 ? [totalsOf(found)] : found.rows.map((row) => withNames(row, found.names, names));
  if (form === 'csv') return c.body(csvOf(columns, rows), 200, { 'content-type': 'text/csv; charset=utf-8' });
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  return c.body(lines, 200, { 'content-type': 'application/x-ndjson' });
}

/** Columns of names, after those of earlier versions: `name`, or `dataset_name` and `user_name` if there are several. */
function nameColumns({ names }: StatsAnswer, by: readonly Dimension[]): ReadonlyMap<string, Dimension> {
  const named = names === undefined ? [] : by.filter(isNamed);
  return new Map(named.map((dimension) => [named.length === 1 ? 'name' : `${dimension}_name`, dimension]));
}

type Row = StatsAnswer['rows'][number];

function withNames(row: Row, names: StatsAnswer['names'], columns: ReadonlyMap<string, Dimension>): Row {
  if (names === undefined || columns.size === 0) return row;
  const nameOf = (id: Row[string]): string | null =>
    typeof id === 'string' && Object.hasOwn(names, id) ? (names[id] ?? null) : null;
  const told = [...columns].map(([column, dimension]) => [column, nameOf(row[dimension] ?? null)] as const);
  return { ...row, ...Object.fromEntries(told) };
}

/** Without `by`, the totals are the only row. */
function totalsOf({ totals, before }: StatsAnswer): StatsAnswer['rows'][number] {
  const earlier = Object.entries(before?.totals ?? {}).map(([name, value]) => [`${name}_before`, value] as const);
  return { ...totals, ...Object.fromEntries(earlier) };
}
