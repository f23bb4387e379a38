import { Hono } from 'hono';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { createMapContext } from '../../taxonomy/map/context.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { answerErrors } from '../answer-error.ts';
import { CollectorError } from '../errors.ts';
import type { RejectedRecord } from '../journal/journal.ts';
import { rejectedRoutes } from './rejected-routes.ts';

const record = (id: number, draft: object): RejectedRecord => ({
  id,
  atMs: 1_790_000_000_000,
  code: 'invalid_event',
  message: 'wrong',
  record: JSON.stringify(draft),
  origin: 'otlp-logs',
});
const right = (fileId: string) => ({
  event: 'file.uploaded',
  event_id: fileId,
  created: 1_790_000_000_000,
  file_id: fileId,
});
const RECORDS = [record(1, right('a')), record(2, { event: 'no.such' }), record(3, right('c'))];

function setUp(submit: (candidates: readonly Candidate[]) => Promise<readonly never[]> = async () => []) {
  const rejected = vi.fn((_options?: { limit?: number; afterId?: number }) => RECORDS);
  const write = vi.fn(async () => ({ heldIds: [] }));
  const submitted = vi.fn(submit);
  const app = new Hono();
  answerErrors(app, pino({ level: 'silent' }));
  app.route(
    '/',
    rejectedRoutes({
      journal: { rejected, write },
      intake: { submit: submitted },
      context: createMapContext({ now: () => 1_790_000_000_000 }),
    }),
  );
  const replay = (body: string, type = 'application/json') =>
    app.request('/api/v1/rejected/replay', { method: 'POST', body, headers: { 'content-type': type } });
  return { app, rejected, write, submitted, replay };
}

describe('GET /api/v1/rejected', () => {
  test.each([
    ['', { limit: 100, afterId: 0 }],
    ['?limit=5&after=17', { limit: 5, afterId: 17 }],
    ['?limit=1000&after=0', { limit: 1000, afterId: 0 }],
    ['?limit=1', { limit: 1, afterId: 0 }],
  ])('%s lists %j', async (query, asked) => {
    const { app, rejected } = setUp();
    const answer = await app.request(`/api/v1/rejected${query}`);
    expect(await answer.json()).toEqual({ rejected: RECORDS });
    expect(rejected).toHaveBeenCalledExactlyOnceWith(asked);
  });

  test.each([
    ['limit=1.5', 'limit: must be an integer from 1 to 1000'],
    ['limit=0', 'limit: must be an integer from 1 to 1000'],
    ['limit=1001', 'limit: must be an integer from 1 to 1000'],
    ['limit=', 'limit: must be an integer from 1 to 1000'],
    ['limit=1e2', 'limit: must be an integer from 1 to 1000'],
    ['limit=0x10', 'limit: must be an integer from 1 to 1000'],
    ['limit=5&after=x', 'after: must be an integer, 0 or more'],
    ['after=-1', 'after: must be an integer, 0 or more'],
    ['after=9007199254740993', 'after: must be an integer, 0 or more'],
  ])('answers 400 to %s, and says what is allowed', async (query, reason) => {
    const { app, rejected } = setUp();
    const answer = await app.request(`/api/v1/rejected?${query}`);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_query', detail: `The query is wrong: ${reason}` });
    expect(rejected).not.toHaveBeenCalled();
  });
});

describe('POST /api/v1/rejected/discard', () => {
  const discard = (app: Hono, body: string) =>
    app.request('/api/v1/rejected/discard', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });

  test('deletes the named records that exist', async () => {
    const { app, rejected, write } = setUp();
    rejected.mockImplementation(({ afterId = 0 } = {}) => RECORDS.filter(({ id }) => id > afterId));
    expect(await (await discard(app, '{"ids": [2, 3, 3, 9]}')).json()).toEqual({ discarded: 2 });
    expect(write).toHaveBeenCalledExactlyOnceWith({ unreject: [2, 3] });
  });

  test.each(['', '{}', '{"ids": []}', '{"ids": [0]}', '{"all": true}'])('answers 400 to %j', async (body) => {
    const { app, write } = setUp();
    expect((await discard(app, body)).status).toBe(400);
    expect(write).not.toHaveBeenCalled();
  });
});

describe('POST /api/v1/rejected/replay', () => {
  test('journals again an event that RabbitMQ refused after it was accepted, and leaves what is not JSON', async () => {
    const { replay, rejected, submitted, write } = setUp();
    const unpublishable = { ...record(1, right('a')), code: 'unpublishable', origin: 'publisher' };
    rejected.mockReturnValue([unpublishable, { ...unpublishable, id: 2, record: 'no JSON' }]);
    expect(await (await replay('{}')).json()).toEqual({ accepted: 1, rejected: 1 });
    expect(submitted.mock.calls[0]?.[0]).toEqual([]);
    expect(write).toHaveBeenCalledExactlyOnceWith({
      append: [expect.stringContaining('"event_id":"a"')],
      unreject: [1],
    });
  });

  test('journals records that are now valid, takes them out of the store, and leaves the rest', async () => {
    const { replay, submitted, write } = setUp();
    const answer = await replay('{}');
    expect(await answer.json()).toEqual({ accepted: 2, rejected: 1 });
    expect(submitted.mock.calls[0]?.[0].map((one) => one.body.event_id)).toEqual(['a', 'c']);
    expect(write).toHaveBeenCalledExactlyOnceWith({ unreject: [1, 3] });
  });

  test('leaves a stated event that lacks fields, and accepts what a proxy or an instrumented server saw', async () => {
    const { replay, rejected, submitted, write } = setUp();
    const lacking = { ...right('x'), source: 'sdk', file_id: undefined, resource_id: undefined };
    const observed = [
      { ...lacking, source: 'proxy' },
      { ...lacking, auth_method: 'none' },
    ];
    rejected.mockReturnValue([record(1, lacking), ...observed.map((one, index) => record(index + 2, one))]);
    expect(await (await replay('{}')).json()).toEqual({ accepted: 2, rejected: 1 });
    expect(submitted.mock.calls[0]?.[0].map((one) => one.body.source)).toEqual(['proxy', 'sdk']);
    expect(write).toHaveBeenCalledExactlyOnceWith({ unreject: [2, 3] });
  });

  test('takes only the named records', async () => {
    const { replay, submitted, write } = setUp();
    expect(await (await replay('{"ids": [2, 3]}')).json()).toEqual({ accepted: 1, rejected: 1 });
    expect(submitted.mock.calls[0]?.[0].map((one) => one.body.event_id)).toEqual(['c']);
    expect(write).toHaveBeenCalledExactlyOnceWith({ unreject: [3] });
  });

  test.each([
    '',
    'x',
    '[]',
    'null',
    '{"ids": "all"}',
    '{"ids": [0]}',
    '{"id": [1]}',
    JSON.stringify({ ids: Array(10_001).fill(1) }),
  ])('answers 400 to %.40j, and does nothing', async (body) => {
    const { replay, submitted, write } = setUp();
    const answer = await replay(body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toMatchObject({
      status: 400,
      code: expect.stringMatching(/^invalid_(?:request|json)$/),
    });
    expect(submitted).not.toHaveBeenCalled();
    expect(write).not.toHaveBeenCalled();
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
    'answers 415 to what a form of another site can send: %s',
    async (type) => {
      const { replay, submitted } = setUp();
      expect((await replay('{}', type)).status).toBe(415);
      expect(submitted).not.toHaveBeenCalled();
    },
  );

  test('answers 413 to a body too large for a list of ids', async () => {
    const { replay } = setUp();
    expect((await replay(`{"ids": [${'1,'.repeat(2_500_000)}1]}`)).status).toBe(413);
  });

  test('answers 503 if the journal cannot accept them, and keeps them in the store', async () => {
    const { replay, write } = setUp(() => Promise.reject(new CollectorError('journal_full', 'The journal is full')));
    const answer = await replay('{}');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.json()).toMatchObject({ code: 'journal_full' });
    expect(write).not.toHaveBeenCalled();
  });
});
