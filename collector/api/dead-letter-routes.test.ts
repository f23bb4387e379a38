import { Hono } from 'hono';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { answerErrors } from '../answer-error.ts';
import { deadLetterRoutes, type DeadLetters } from './dead-letter-routes.ts';

const LETTER = {
  id: 'e1',
  type: 'file.uploaded',
  class: 'rejected',
  reason: 'HTTP 422',
  time: '2026-11-29T10:00:00.000Z',
  source: 'proxy',
  event: '{"event":"file.uploaded"}',
};

function setUp(own: Partial<DeadLetters> = {}) {
  const replay = vi.fn<DeadLetters['replay']>(async () => ({ moved: 1, left: 0, reason: '' }));
  const list = vi.fn<DeadLetters['list']>(async () => [LETTER]);
  const app = new Hono();
  answerErrors(app, pino({ level: 'silent' }));
  app.route('/', deadLetterRoutes({ queues: async () => [{ sink: 'matomo', messages: 3 }], list, replay, ...own }));
  const post = (body: unknown) =>
    app.request('/api/v1/dead/replay', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
  return { app, list, replay, post };
}

describe('dead letters', () => {
  test('are counted by sink', async () => {
    const answer = await setUp().app.request('/api/v1/dead');
    expect(await answer.json()).toEqual({ queues: [{ sink: 'matomo', messages: 3 }] });
  });

  test('of a sink are listed, a hundred by default', async () => {
    const { app, list } = setUp();
    expect(await (await app.request('/api/v1/dead/matomo')).json()).toEqual({ letters: [LETTER] });
    await app.request('/api/v1/dead/matomo?limit=7');
    expect(list.mock.calls).toEqual([
      ['matomo', 100],
      ['matomo', 7],
    ]);
  });

  test('go back to the sink: the oldest thousand, or those that are named', async () => {
    const { post, replay } = setUp();
    expect(await (await post({ sink: 'matomo' })).json()).toEqual({ moved: 1, left: 0, reason: '' });
    await post({ sink: 'matomo', ids: ['e1'] });
    expect(replay.mock.calls).toEqual([
      ['matomo', { limit: 1000 }],
      ['matomo', { limit: 1000, ids: ['e1'] }],
    ]);
  });

  test.each([
    {},
    { sink: '' },
    { sink: 'matomo', ids: [] },
    { sink: 'matomo', ids: [1] },
    { sink: 'matomo', all: true },
  ])('are not replayed by %j', async (body) => {
    const { post, replay } = setUp();
    const answer = await post(body);
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'invalid_request' }]);
    expect(replay).not.toHaveBeenCalled();
  });

  test('of a sink that never ran get 404', async () => {
    const { app, post } = setUp({ list: async () => undefined, replay: async () => undefined });
    for (const answer of [await app.request('/api/v1/dead/nobody'), await post({ sink: 'nobody' })])
      expect([answer.status, await answer.json()]).toMatchObject([
        404,
        { code: 'not_found', detail: expect.stringContaining('nobody has no queue') },
      ]);
  });

  test('cannot be read while RabbitMQ is away, and the answer says why', async () => {
    const { app } = setUp({ queues: () => Promise.reject(new Error('Nobody listens at amqp://mq')) });
    const answer = await app.request('/api/v1/dead');
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { code: 'broker_unavailable', detail: 'Nobody listens at amqp://mq' },
    ]);
  });
});
