import { gzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { cloudEventId } from '../../taxonomy/event-id.ts';
import { EVENT_TYPES } from '../../taxonomy/event-types.ts';
import type { StatedEvent, StatedVerdict } from '../intake/stated-intake.ts';
import { answerErrors } from '../answer-error.ts';
import { CollectorError } from '../errors.ts';
import { eventsRoutes } from './events-routes.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const CLOUD = { 'content-type': 'application/cloudevents+json' };
const CLOUD_BATCH = { 'content-type': 'application/cloudevents-batch+json' };
const cloudEvent = {
  specversion: '1.0',
  id: 'ce-1',
  source: '/s',
  type: 'clowder.dataset.created',
  data: { resource_id: 'd' },
};
const CLOUD_ID = cloudEventId('/s', 'ce-1');

/** Refuses any event that has `bad`. An event's id is its own, a derived one, or its index. */
function judge(events: readonly StatedEvent[]): readonly StatedVerdict[] {
  return events.map(({ value, eventId }, index) => {
    const event = value as { readonly event_id?: string };
    if (typeof value !== 'object' || value === null || 'bad' in event)
      return { ok: false, issues: [{ field: 'bad', message: 'is not known', received: '1', expected: 'nothing' }] };
    return {
      ok: true,
      id: event.event_id ?? eventId ?? `made-${index}`,
      duplicate: event.event_id === 'seen',
    };
  });
}

function api(
  submit: (events: readonly StatedEvent[]) => Promise<readonly StatedVerdict[]> = async (all) => judge(all),
) {
  const submitted: StatedEvent[] = [];
  const app = new Hono();
  answerErrors(app, pino({ level: 'silent' }));
  app.route(
    '/',
    eventsRoutes({
      submit: (events) => {
        submitted.push(...events);
        return submit(events);
      },
      history: { scan: () => [] },
      live: () => () => undefined,
    }),
  );
  const post = (
    body: object | string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = JSON_TYPE,
    path = '/api/v1/events',
  ) =>
    app.request(path, {
      method: 'POST',
      headers,
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
  return { app, post, submitted };
}

describe('POST /api/v1/events', () => {
  test('accepts one event and answers 202 with its id', async () => {
    const { post, submitted } = api();
    const answer = await post({ event: 'file.uploaded', file_id: 'f', event_id: 'own' });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({ accepted: 1, duplicates: 0, ids: ['own'], rejected: [] });
    expect(submitted).toEqual([{ value: { event: 'file.uploaded', file_id: 'f', event_id: 'own' } }]);
  });

  test('accepts an array, with the ids in its order', async () => {
    const answer = await api().post([{ event_id: 'c' }, { event_id: 'a' }, { event_id: 'b' }]);
    expect(await answer.json()).toMatchObject({ accepted: 3, ids: ['c', 'a', 'b'] });
  });

  test('accepts an event that it already has, and counts it as a duplicate', async () => {
    const answer = await api().post([{ event_id: 'seen' }, { event_id: 'new' }]);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ accepted: 2, duplicates: 1, ids: ['seen', 'new'] });
  });

  test('accepts the good events of a batch and names the bad ones by index', async () => {
    const answer = await api().post([{ bad: 1 }, { event_id: 'b' }, 'text', { event_id: 'd' }, null]);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({
      accepted: 2,
      ids: ['b', 'd'],
      rejected: [
        { index: 0, issues: [{ field: 'bad', message: 'is not known', received: '1', expected: 'nothing' }] },
        { index: 2 },
        { index: 4 },
      ],
    });
  });

  test.each([
    ['a single event', { bad: 1 }, 1],
    ['every event of a batch', [{ bad: 1 }, { bad: 2 }], 2],
  ])('answers 422 with the reasons if it refuses %s', async (_, body, count) => {
    const answer = await api().post(body);
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const problem = (await answer.json()) as { rejected: unknown[] };
    expect(problem).toMatchObject({
      type: 'about:blank',
      title: 'invalid event',
      status: 422,
      code: 'invalid_event',
      detail: 'No event was accepted: bad is not known',
    });
    expect(problem.rejected).toHaveLength(count);
  });

  test('accepts 1,000 events, and not one more', async () => {
    const { post, submitted } = api();
    expect((await post(Array.from({ length: 1000 }, () => ({})))).status).toBe(202);
    expect(submitted).toHaveLength(1000);
    const refused = await post(Array.from({ length: 1001 }, () => ({})));
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({
      code: 'batch_too_large',
      detail: expect.stringMatching(/1001.*1000/),
    });
    expect(submitted).toHaveLength(1000);
  });
});

describe('the reasons in an answer', () => {
  test('are cut: every event has its index, the first ones all reasons, and the others a short first reason', async () => {
    const issue = { field: 'a', message: 'is wrong', received: 'x'.repeat(100), expected: 'y'.repeat(400) };
    const { post } = api(async (all) =>
      all.map(() => ({ ok: false, issues: Array.from({ length: 20 }, () => issue) })),
    );
    const text = await (await post(Array.from({ length: 1000 }, () => ({})))).text();
    expect(text.length).toBeLessThan(300_000);
    const { rejected } = JSON.parse(text) as { rejected: { index: number; issues: unknown[] }[] };
    expect(rejected.map(({ index }) => index)).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    expect(rejected[0]?.issues).toHaveLength(20);
    expect(rejected[999]?.issues).toEqual([
      { field: 'a', message: 'is wrong' },
      { field: '', message: 'and 19 more' },
    ]);
  });
});

describe('an invalid body', () => {
  test.each(['', '{', '{"event":"file.uploaded"', "{'event': 1}", '[{},]', 'event=file.uploaded'])(
    'gets 400 and causes nothing: %j',
    async (body) => {
      const { post, submitted } = api();
      const answer = await post(body);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: 'invalid_json' });
      expect(submitted).toEqual([]);
    },
  );

  test('gets 400 if it is not UTF-8', async () => {
    const answer = await api().post(Uint8Array.of(0x22, 0xff, 0xfe, 0x22));
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('UTF-8') });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/jsonx'])(
    'gets 415 as %s, with the accepted types',
    async (type) => {
      const answer = await api().post({}, { 'content-type': type });
      expect(answer.status).toBe(415);
      expect(await answer.json()).toMatchObject({
        code: 'unsupported_media_type',
        detail: expect.stringMatching(new RegExp(`${type}.*application/json`)),
      });
    },
  );

  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json ;charset=UTF-8'])(
    'is accepted as %s',
    async (type) => expect((await api().post({}, { 'content-type': type })).status).toBe(202),
  );
});

describe('a compressed body', () => {
  const gzip = { ...JSON_TYPE, 'content-encoding': 'gzip' };

  test('is read', async () => {
    const answer = await api().post(new Uint8Array(gzipSync('{"event_id":"z"}')), gzip);
    expect(await answer.json()).toMatchObject({ ids: ['z'] });
  });

  test('gets 400 if it is not gzip', async () => {
    const answer = await api().post('{}', gzip);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'invalid_body' });
  });

  test('gets 415 in another encoding', async () => {
    const answer = await api().post('{}', { ...JSON_TYPE, 'content-encoding': 'br' });
    expect(answer.status).toBe(415);
    expect(await answer.json()).toMatchObject({
      code: 'unsupported_encoding',
      detail: expect.stringContaining('gzip'),
    });
  });

  test('gets 413 by its inflated size, however small it was', async () => {
    const { post, submitted } = api();
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(5 * 1024 * 1024, ' ')));
    expect(bomb.byteLength).toBeLessThan(10_000);
    const answer = await post(bomb, gzip);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'body_too_large' });
    expect(submitted).toEqual([]);
  });

  test('may also be called x-gzip', async () => {
    const answer = await api().post(new Uint8Array(gzipSync('{"event_id":"z"}')), {
      ...gzip,
      'content-encoding': 'x-gzip',
    });
    expect(answer.status).toBe(202);
  });

  test.each(['constructor', '__proto__'])('gets 415 in an encoding called %s', async (coding) =>
    expect((await api().post('{}', { ...gzip, 'content-encoding': coding })).status).toBe(415),
  );

  test('gets 413 if it has more than 100,000 values', async () => {
    const { post, submitted } = api();
    const many = Object.fromEntries(Array.from({ length: 100_002 }, (_, index) => [`f${index}`, 1]));
    for (const body of [many, [[...Array(100_002).keys()]]]) {
      const answer = await post(body);
      expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'batch_too_large' }]);
    }
    expect((await post({ message: ',[{'.repeat(200_000) })).status).toBe(202);
    expect(submitted).toHaveLength(1);
  });

  test('of more than 4 MiB also gets 413 if it is uncompressed', async () => {
    expect((await api().post(' '.repeat(4 * 1024 * 1024 + 1))).status).toBe(413);
  });
});

describe('POST /api/v1/events/{type}', () => {
  test.each(EVENT_TYPES)('%s: the event need not name its type', async (type) => {
    const { post, submitted } = api();
    expect((await post({ a: 1 }, JSON_TYPE, `/api/v1/events/${type}`)).status).toBe(202);
    expect(submitted).toEqual([{ value: { a: 1, event: type } }]);
  });

  test('accepts an event that names the same type, an array, and CloudEvents', async () => {
    const { post, submitted } = api();
    const path = '/api/v1/events/dataset.created';
    expect((await post([{ event: 'dataset.created' }, {}], JSON_TYPE, path)).status).toBe(202);
    expect((await post(cloudEvent, CLOUD, path)).status).toBe(202);
    expect(submitted.map(({ value }) => (value as { event: string }).event)).toEqual(Array(3).fill('dataset.created'));
  });

  test('refuses an event that names another type, and accepts the rest', async () => {
    const { post, submitted } = api();
    const answer = await post(
      [{ event: 'file.deleted' }, { event_id: 'x' }],
      JSON_TYPE,
      '/api/v1/events/file.uploaded',
    );
    expect(await answer.json()).toMatchObject({
      accepted: 1,
      ids: ['x'],
      rejected: [{ index: 0, issues: [{ field: 'event', received: '"file.deleted"', expected: 'file.uploaded' }] }],
    });
    expect(submitted).toHaveLength(1);
  });

  test.each(['file.exploded', 'toString', '__proto__', 'x'.repeat(3000)])(
    'answers 404 with the existing types for %j',
    async (type) => {
      const answer = await api().post({}, JSON_TYPE, `/api/v1/events/${type}`);
      expect(answer.status).toBe(404);
      const problem = (await answer.json()) as { code: string; detail: string };
      expect(problem.code).toBe('unknown_event_type');
      expect(problem.detail).toContain('health.connections');
      expect(problem.detail.length).toBeLessThan(1000);
    },
  );
});

describe('CloudEvents', () => {
  test('are accepted one by one', async () => {
    const { post, submitted } = api();
    expect((await post(cloudEvent, CLOUD)).status).toBe(202);
    expect(submitted).toEqual([{ value: { event: 'dataset.created', event_id: CLOUD_ID, resource_id: 'd' } }]);
  });

  test('are accepted in batches, and bad ones are named by index', async () => {
    const answer = await api().post([{ ...cloudEvent, specversion: '0.3' }, cloudEvent], CLOUD_BATCH);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({
      ids: [CLOUD_ID],
      rejected: [{ index: 0, issues: [{ field: 'specversion' }] }],
    });
  });

  test('are answered with 422 if every envelope is wrong', async () => {
    const answer = await api().post({ type: 'x' }, CLOUD);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ rejected: [{ index: 0 }] });
  });
});

describe('Idempotency-Key', () => {
  test('applies to its endpoint: on another one, the same key stands for other events', async () => {
    const { post } = api();
    const on = async (path: string) => idsOf(await post({}, { ...JSON_TYPE, 'idempotency-key': 'k' }, path));
    const [login, signup] = [await on('/api/v1/events/user.login'), await on('/api/v1/events/user.signup')];
    expect(new Set([...login, ...signup]).size).toBe(2);
  });

  const idempotent = (key: string) => ({ ...JSON_TYPE, 'idempotency-key': key });
  const idsOf = async (answer: Response) => ((await answer.json()) as { ids: string[] }).ids;

  test('gives the same ids again, a different one to each event', async () => {
    const { post } = api();
    const first = await idsOf(await post([{}, {}], idempotent('k')));
    expect(new Set(first).size).toBe(2);
    expect(await idsOf(await post([{}, {}], idempotent('k')))).toEqual(first);
  });

  test('with another value gives other ids', async () => {
    const { post } = api();
    expect(await idsOf(await post({}, idempotent('k')))).not.toEqual(await idsOf(await post({}, idempotent('l'))));
  });

  test('counts in full, however long it is', async () => {
    const { post } = api();
    const long = 'k'.repeat(300);
    const ids = [
      await idsOf(await post({}, idempotent(`${long}1`))),
      await idsOf(await post({}, idempotent(`${long}2`))),
    ];
    expect(ids[0]).not.toEqual(ids[1]);
  });

  test('counts as absent if it is empty', async () => {
    const { post, submitted } = api();
    await post({}, idempotent(''));
    expect(submitted).toEqual([{ value: {} }]);
  });

  test('leaves an event that has an id its own', async () => {
    expect(await idsOf(await api().post({ event_id: 'own' }, idempotent('k')))).toEqual(['own']);
  });

  test('gives ids by the place in the request, whatever else is in it', async () => {
    const { post } = api();
    expect(
      await idsOf(await post([{ ...cloudEvent, id: '' }, cloudEvent], { ...CLOUD_BATCH, 'idempotency-key': 'k' })),
    ).toEqual([CLOUD_ID]);
    const ofType = '/api/v1/events/user.login';
    const [, secondOfType] = await idsOf(await post([{}, {}], idempotent('k'), ofType));
    expect(await idsOf(await post([{ event: 1 }, {}], idempotent('k'), ofType))).toEqual([secondOfType]);
  });
});

describe('a journal that cannot accept events', () => {
  test('is answered with 503, Retry-After and the reason', async () => {
    const full = new CollectorError('journal_full', 'The journal is full; try again');
    const answer = await api(() => Promise.reject(full)).post({});
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(await answer.json()).toMatchObject({ code: 'journal_full', detail: 'The journal is full; try again' });
  });

  test('lets the client try again in a second if it gives no time', async () => {
    const answer = await api(() => Promise.reject(new CollectorError('busy'))).post({});
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await answer.json()).toMatchObject({ code: 'busy' });
  });

  test('does not stand for other errors, which the application handles', async () => {
    expect((await api(() => Promise.reject(new Error('bug'))).post({})).status).toBe(500);
  });
});
