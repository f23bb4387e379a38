import fc from 'fast-check';
import { Hono } from 'hono';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { runs } from '../../test/support/form.ts';
import { asText } from '../../taxonomy/text.ts';
import { answerErrors } from '../answer-error.ts';
import { eventsRoutes } from './events-routes.ts';

interface Row {
  readonly row: number;
  readonly atMs: number;
  readonly lines: readonly string[];
  readonly skippedBytes?: number;
}

const T0 = Date.UTC(2026, 8, 21, 12);
const line = (event_id: string, more: object = {}) =>
  JSON.stringify({ event_id, event: 'file.uploaded', created: T0, ...more });

/** Three batches: a b, c, d e. */
const ROWS: readonly Row[] = [
  { row: 1, atMs: T0, lines: [line('a', { source: 'api' }), line('b', { event: 'user.login', user_id: 'u1' })] },
  { row: 5, atMs: T0 + 1000, lines: [line('c', { created: T0 + 1000, client_kind: 'bot', resource_id: 'r1' })] },
  {
    row: 6,
    atMs: T0 + 2000,
    lines: [
      line('d', { created: T0 + 2000, clowder_instance: 'main' }),
      line('e', { created: T0 + 3000, source: 'nginx' }),
    ],
  },
];

/** Rows as the journal gives them, after `fromRow`. */
function historyOf(rows: readonly Row[]) {
  return {
    *scan({ direction, fromRow }: { direction: 'asc' | 'desc'; fromRow?: number }): Generator<Row> {
      if (direction === 'asc') yield* rows.filter(({ row }) => fromRow === undefined || row > fromRow);
      else yield* rows.filter(({ row }) => fromRow === undefined || row < fromRow).toReversed();
    },
  };
}

function api(rows: readonly Row[] = ROWS) {
  const app = new Hono();
  answerErrors(app, pino({ level: 'silent' }));
  app.route('/', eventsRoutes({ submit: async () => [], history: historyOf(rows), live: () => () => undefined }));
  return (query = '', headers: Record<string, string> = {}) => app.request(`/api/v1/events${query}`, { headers });
}

interface Page {
  readonly events: readonly { readonly event_id: string }[];
  readonly next?: string;
}

const pageOf = async (query: string, rows?: readonly Row[]) => (await (await api(rows)(query)).json()) as Page;
const idsOf = async (query: string) => (await pageOf(query)).events.map(({ event_id }) => event_id).join('');

describe('GET /api/v1/events', () => {
  test('gives the latest first, as JSON', async () => {
    const answer = await api()();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(((await answer.json()) as Page).events.map(({ event_id }) => event_id)).toEqual(['e', 'd', 'c', 'b', 'a']);
  });

  test('gives the earliest first on request', async () => expect(await idsOf('?order=asc')).toBe('abcde'));

  test('gives an empty page of an empty journal', async () => {
    expect(await pageOf('', [])).toEqual({ events: [] });
  });

  test.each([
    ['type=user.login', 'b'],
    ['type=user.login,file.uploaded', 'edcba'],
    ['source=api', 'a'],
    ['client_kind=bot', 'c'],
    ['resource_id=r1', 'c'],
    ['user_id=u1', 'b'],
    ['clowder_instance=main', 'd'],
    ['source=api&type=user.login', ''],
    [`since=${T0 + 1000}`, 'edc'],
    [`until=${T0 + 1000}`, 'ba'],
    [`since=${T0 + 1000}&until=${T0 + 3000}`, 'dc'],
    ['since=0', 'edcba'],
    ['since=2026-09-21T12:00:02Z', 'ed'],
    ['until=2026-09-21', ''],
    ['since=2026-09-21T14:00:02%2B02:00', 'ed'],
  ])('filters by %s', async (query, expected) => expect(await idsOf(`?${query}`)).toBe(expected));
});

describe('paging', () => {
  test.each([
    ['asc', 1],
    ['asc', 2],
    ['asc', 3],
    ['desc', 1],
    ['desc', 2],
    ['desc', 3],
  ])('%s in pages of %i gives every event once, in order', async (order, limit) => {
    let ids = '';
    let next: string | undefined = '';
    for (let pages = 0; next !== undefined && pages < 10; pages += 1) {
      const page: Page = await pageOf(`?order=${order}&limit=${limit}${next && `&cursor=${next}`}`);
      expect(page.events.length).toBeLessThanOrEqual(limit);
      ids += page.events.map(({ event_id }) => event_id).join('');
      next = page.next;
    }
    expect(next).toBeUndefined();
    expect(ids).toBe(order === 'asc' ? 'abcde' : 'edcba');
  });

  test('keeps its place if the filter leaves out the events in between', async () => {
    const first = await pageOf('?order=asc&limit=2&type=file.uploaded');
    expect(first.events.map(({ event_id }) => event_id)).toEqual(['a', 'c']);
    expect(await idsOf(`?order=asc&limit=2&type=file.uploaded&cursor=${first.next}`)).toBe('de');
  });

  test('is not affected by new rows', async () => {
    const first = await pageOf('?limit=2');
    const later = [...ROWS, { row: 7, atMs: T0, lines: [line('f')] }];
    expect((await pageOf(`?limit=3&cursor=${first.next}`, later)).events.map(({ event_id }) => event_id)).toEqual([
      'c',
      'b',
      'a',
    ]);
  });

  test('is not affected by a deleted row', async () => {
    const first = await pageOf('?order=asc&limit=3');
    expect((await pageOf(`?order=asc&cursor=${first.next}`, ROWS.slice(2))).events).toHaveLength(2);
  });
});

/** Counts how many turns of the event loop others had during the work. */
async function withTurns<T>(work: Promise<T>): Promise<readonly [done: T, turns: number]> {
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const done = await work;
  isDone = true;
  return [done, turns];
}

describe('a search of 250,000 events', () => {
  const thousand = Array.from({ length: 1000 }, (_, index) => line(`e${index}`, { resource_id: 'r1', source: 'api' }));
  const long = Array.from({ length: 250 }, (_, index): Row => ({ row: index + 1, atMs: T0, lines: thousand }));

  test.each(['resource_id=r2', 'type=user.login', 'since=2027-01-01', 'source=api&user_id=u1'])(
    'without a match takes turns with the rest of the collector, and answers in pages: %s',
    async (query) => {
      const [first, turns] = await withTurns(pageOf(`?${query}`, long));
      expect(turns).toBeGreaterThan(20);
      expect(first).toEqual({ events: [], next: '51.1000' });
      expect(await pageOf(`?${query}&cursor=${first.next}`, long)).toEqual({ events: [] });
    },
  );

  test('takes turns even if the journal skips rows without decoding them', async () => {
    const skippedBytes = 128 * 1024;
    const passed = Array.from({ length: 1500 }, (_, index): Row => ({ row: index + 1, atMs: T0, lines: [], skippedBytes })); // prettier-ignore
    const [first, turns] = await withTurns(pageOf('?type=user.login', passed));
    expect(turns).toBeGreaterThan(100);
    // After 96 MiB of skipped rows.
    expect(first).toEqual({ events: [], next: '733.0' });
    expect(await pageOf(`?type=user.login&cursor=${first.next}`, passed)).toEqual({ events: [] });
  });

  test('finds the one that matches, wherever it is', async () => {
    const rows = [{ row: 0, atMs: T0, lines: [line('found', { resource_id: 'r"2' })] }, ...long.slice(0, 20)];
    expect((await pageOf('?resource_id=r%222', rows)).events.map(({ event_id }) => event_id)).toEqual(['found']);
  });

  test('does not match a value in another field', async () => {
    const rows = [
      { row: 1, atMs: T0, lines: [line('a', { title: 'x', message: '"resource_id":"r2"', resource_id: 'r1' })] },
    ];
    expect((await pageOf('?resource_id=r2', rows)).events).toEqual([]);
  });
});

describe('a wrong query', () => {
  test.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=1001'],
    ['limit', 'limit=ten'],
    ['limit', 'limit=1.5'],
    ['since', 'since=yesterday'],
    ['until', 'until=NaN'],
    ['since', 'since=09/21/2026'],
    ['order', 'order=up'],
    ['format', 'format=xml'],
    ['cursor', 'cursor=1'],
    ['cursor', 'cursor=1.2;DROP'],
    ['type', 'type=none'],
    ['type', 'type=user.login,'],
  ])('gets 400 that names %s: %s', async (field, query) => {
    const answer = await api()(`?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({ code: 'invalid_query', detail: expect.stringContaining(`${field}: `) });
  });

  test('names every wrong parameter at once', async () => {
    const { detail } = (await (await api()('?limit=0&order=up')).json()) as { detail: string };
    expect(detail).toMatch(/limit: .*order: /);
  });
});

describe('NDJSON', () => {
  test.each([
    ['?format=ndjson', {}],
    ['', { accept: 'application/x-ndjson' }],
  ])('has one event a line, and the cursor in a header (%j %j)', async (query, headers) => {
    const answer = await api()(`${query || '?'}&order=asc&limit=2`, headers);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await answer.text()).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((text) => (JSON.parse(text) as { event_id: string }).event_id)).toEqual(['a', 'b']);
    expect(await idsOf(`?order=asc&cursor=${answer.headers.get('x-next-cursor')}`)).toBe('cde');
  });

  test('is not used if the query names another format', async () => {
    const answer = await api()('?format=json', { accept: 'application/x-ndjson' });
    expect(answer.headers.get('content-type')).toContain('application/json');
  });

  test('without events is empty', async () => expect(await (await api([])('?format=ndjson')).text()).toBe(''));
});

describe('CSV', () => {
  const csv = async (more: object) => {
    const answer = await api([{ row: 1, atMs: T0, lines: [line('a', more)] }])('', { accept: 'text/csv' });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    return (await answer.text()).split('\r\n')[1]?.replace(`a,file.uploaded,${T0},`, '');
  };

  test('has a column for each field of any event, and empty cells', async () => {
    const text = await (await api(ROWS.slice(0, 1))('?format=csv&order=asc')).text();
    expect(text).toBe(
      `event_id,event,created,source,user_id\r\na,file.uploaded,${T0},api,\r\nb,user.login,${T0},,u1\r\n`,
    );
  });

  test.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "so"', '"say ""so"""'],
    ['two\nlines', '"two\nlines"'],
    ['Größe', 'Größe'],
  ])('quotes as in RFC 4180: %j', async (value, cell) => expect(await csv({ file_name: value })).toBe(cell));

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx'])('defuses what a spreadsheet would compute: %j', async (value) => {
    expect(await csv({ file_name: value })).toBe(`'${value}`);
  });

  test('defuses and quotes at once', async () => {
    expect(await csv({ file_name: '=HYPERLINK("http://x","y")' })).toBe(`"'=HYPERLINK(""http://x"",""y"")"`);
  });

  test('leaves numbers and booleans alone, including negative numbers', async () => {
    expect(await csv({ tls_days_left: -3 })).toBe('-3');
    expect(await csv({ healthy: false })).toBe('false');
  });
});

/** A CSV reader by RFC 4180, as other programs have it. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/gy;
  for (let found = CELL.exec(text); found !== null; found = CELL.exec(text)) {
    const [, quoted, plain = '', end] = found;
    rows.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\r\n') rows.push([]);
    if (CELL.lastIndex >= text.length) break;
  }
  return rows.filter((row) => row.length > 0);
}

test('a CSV cell keeps every text that intake accepts, except for the apostrophe before a formula', async () => {
  const unit = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 1 }),
    fc.constantFrom('"', ',', '\r', '\n', '\r\n', '=', '@', "'", '\ud83d', '測'),
  );
  const text = fc.array(unit, { maxLength: 12 }).map((units) => asText(units.join('')));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ file_name: text, title: text }), { minLength: 1, maxLength: 4 }),
      async (all) => {
        const lines = all.map((more, index) => line(`e${index}`, more));
        const answer = await api([{ row: 1, atMs: T0, lines }])('?format=csv&order=asc');
        const [head = [], ...rows] = readCsv(await answer.text());
        expect(rows).toHaveLength(all.length);
        rows.forEach((row, index) => {
          for (const field of ['file_name', 'title'] as const) {
            const value = all[index]?.[field] ?? '';
            expect(row[head.indexOf(field)]).toBe(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
          }
        });
      },
    ),
    runs(100),
  );
});
