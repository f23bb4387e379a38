import { describe, expect, test } from 'vitest';
import type { StatsAnswer } from '../../usage/ask/answer.ts';
import type { StatsQuery } from '../../usage/ask/question.ts';
import { answerErrors } from '../answer-error.ts';
import { CollectorError } from '../errors.ts';
import pino from 'pino';
import { statsRoutes } from './stats-route.ts';

const ANSWER: StatsAnswer = {
  period: { from: '2026-10-01T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z' },
  time_zone: 'UTC',
  counted_until: '2026-11-01T08:00:00.000Z',
  totals: { views: 7 },
  rows: [
    { dataset: '=1+1', views: 4 },
    { dataset: null, views: 3 },
  ],
};

async function get(path: string, ask?: (query: StatsQuery) => Promise<StatsAnswer>, headers = {}): Promise<Response> {
  const app = statsRoutes(ask);
  answerErrors(app, pino({ level: 'silent' }));
  return app.request(path, { headers });
}

const QUESTION = '/api/v1/stats?metric=views&by=dataset&from=2026-10&to=2026-10';

test('a question goes to the process that counts as parsed by its schema', async () => {
  const asked: StatsQuery[] = [];
  await get(`${QUESTION}&client=browser,tool&top=5`, async (query) => {
    asked.push(query);
    return ANSWER;
  });
  expect(asked).toEqual([
    {
      metric: ['views'],
      by: ['dataset'],
      from: '2026-10',
      to: '2026-10',
      time_zone: 'UTC',
      client: 'browser,tool',
      top: 5,
    },
  ]);
});

test('the answer is JSON, and says how far events are counted', async () => {
  const answer = await get(QUESTION, async () => ANSWER);
  expect(await answer.json()).toEqual(ANSWER);
});

test('the rows are CSV in which no spreadsheet sees a formula', async () => {
  const answer = await get(`${QUESTION}&format=csv`, async () => ANSWER);
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(answer.headers.get('x-counted-until')).toBe('2026-11-01T08:00:00.000Z');
  expect(await answer.text()).toBe("dataset,views\r\n'=1+1,4\r\n,3\r\n");
});

test('the rows are NDJSON if Accept asks for it', async () => {
  const answer = await get(QUESTION, async () => ANSWER, { accept: 'application/x-ndjson' });
  expect(await answer.text()).toBe('{"dataset":"=1+1","views":4}\n{"dataset":null,"views":3}\n');
});

describe('names', () => {
  const names = { '=1+1': '=SUM(1)', ana: 'Ana' };
  const both = [
    { dataset: '=1+1', user: 'ana', views: 4 },
    { dataset: 'constructor', user: null, views: 3 },
  ];

  test('are the last column of CSV and a field of NDJSON if the answer has them', async () => {
    const csv = await get(`${QUESTION}&format=csv`, async () => ({ ...ANSWER, names }));
    expect(await csv.text()).toBe("dataset,views,name\r\n'=1+1,4,'=SUM(1)\r\n,3,\r\n");
    const lines = await get(`${QUESTION}&format=ndjson`, async () => ({ ...ANSWER, names }));
    expect(await lines.text()).toBe(
      '{"dataset":"=1+1","views":4,"name":"=SUM(1)"}\n{"dataset":null,"views":3,"name":null}\n',
    );
  });

  test('have a column each if figures are divided by several dimensions with names', async () => {
    const path = '/api/v1/stats?metric=views&by=dataset,user&from=2026-10&to=2026-10&format=csv';
    const csv = await get(path, async () => ({ ...ANSWER, rows: both, names }));
    expect(await csv.text()).toBe(
      "dataset,user,views,dataset_name,user_name\r\n'=1+1,ana,4,'=SUM(1),Ana\r\nconstructor,,3,,\r\n",
    );
  });

  test('are keyed by id in JSON', async () => {
    const answer = await get(QUESTION, async () => ({ ...ANSWER, names }));
    expect(await answer.json()).toEqual({ ...ANSWER, names });
  });
});

test('a question without by has one row: the totals', async () => {
  const before = { period: ANSWER.period, totals: { views: 6 } };
  const path = '/api/v1/stats?metric=views&from=2026-10&to=2026-10&compare=before&format=csv';
  const answer = await get(path, async () => ({ ...ANSWER, rows: [], before }));
  expect(await answer.text()).toBe('views,views_before\r\n7,6\r\n');
});

test.each([
  ['metric=looks', 400, 'invalid_query'],
  ['metric=views&by=colour', 400, 'invalid_query'],
  ['metric=views&time_zone=Mars', 400, 'invalid_query'],
])('%s is refused without asking the process that counts', async (part, status, code) => {
  const answer = await get(`/api/v1/stats?from=2026-10&to=2026-10&${part}`, async () => {
    throw new Error('asked');
  });
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ code });
});

test('the answer says so if counting is off or the process is away', async () => {
  const off = await get(QUESTION);
  expect([off.status, await off.json()]).toEqual([503, expect.objectContaining({ code: 'usage_unavailable' })]);
  const away = await get(QUESTION, async () => {
    throw new CollectorError('usage_unavailable', 'Usage cannot be queried now: it is starting');
  });
  expect(await away.json()).toMatchObject({
    code: 'usage_unavailable',
    detail: expect.stringContaining('it is starting'),
  });
  expect(away.headers.get('retry-after')).toBe('5');
});
