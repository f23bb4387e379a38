import { Hono } from 'hono';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { answerErrors } from '../answer-error.ts';
import type { EventType } from '../../taxonomy/event-types.ts';
import { createLiveEvents, type LiveEvents } from './live-events.ts';
import { eventsRoutes } from './events-routes.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

async function open(query = '') {
  const live = createLiveEvents();
  const listeners = new Set<unknown>();
  const app = new Hono();
  answerErrors(app, pino({ level: 'silent' }));
  const listen: LiveEvents['listen'] = (listener) => {
    const forget = live.listen(listener);
    listeners.add(listener);
    return () => {
      forget();
      listeners.delete(listener);
    };
  };
  app.route('/', eventsRoutes({ submit: async () => [], history: { scan: () => [] }, live: listen }));
  const response = await app.request(`/api/v1/events/stream${query}`);
  const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  const decoder = new TextDecoder();
  let text = '';
  /** Everything received so far, once it contains this text. */
  async function received(until: string): Promise<string> {
    while (!text.includes(until)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`The stream ended at ${text}`);
      text += decoder.decode(value, { stream: true });
    }
    return text;
  }
  const happen = (event_id: string, event: EventType = 'file.uploaded', more: object = {}) =>
    live.publish({ event_id, event, created: 1, ...more });
  return { response, reader, received, happen, listeners, again: () => app.request('/api/v1/events/stream') };
}

test('an unknown type gets 400 with the existing types', async () => {
  const { response, received, listeners } = await open('?type=file.uploaded,none');
  expect(response.status).toBe(400);
  await received('health.connections');
  expect(listeners.size).toBe(0);
});

describe('GET /api/v1/events/stream', () => {
  test('is a stream of server-sent events that begins at once', async () => {
    const { response, received, reader } = await open();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await received('\n\n')).toBe(': connected\n\n');
    await reader.cancel();
  });

  test('sends an event with its type and id, and the whole body as data', async () => {
    const { received, happen, reader } = await open();
    await received(': connected\n\n');
    happen('e1', 'user.login', { user_id: 'u' });
    const text = await received('id: e1\n\n');
    expect(text).toContain('event: user.login\n');
    expect(text).toContain('data: {"event_id":"e1","event":"user.login","created":1,"user_id":"u"}\n');
    await reader.cancel();
  });

  test('loses no event that comes before the client reads, and keeps their order', async () => {
    const { received, happen, reader } = await open();
    for (let index = 0; index < 100; index += 1) happen(`e${index}`);
    const text = await received('id: e99\n\n');
    expect([...text.matchAll(/^id: e(\d+)$/gm)].map((match) => Number(match[1]))).toEqual(
      Array.from({ length: 100 }, (_, index) => index),
    );
    await reader.cancel();
  });

  test('wakes up for each later event', async () => {
    const { received, happen, reader } = await open();
    await received(': connected\n\n');
    for (const id of ['a', 'b', 'c']) {
      happen(id);
      await received(`id: ${id}\n\n`);
    }
    await reader.cancel();
  });

  test('sends only the requested types', async () => {
    const { received, happen, reader } = await open('?type=user.login,view.page');
    happen('a', 'file.uploaded');
    happen('b', 'user.login');
    happen('c', 'view.page');
    const text = await received('id: c\n\n');
    expect(text).toContain('id: b');
    expect(text).not.toContain('id: a');
    await reader.cancel();
  });

  test('cannot be corrupted by the text of an event', async () => {
    const { received, happen, reader } = await open();
    happen('a', 'view.page', { title: 'x\n\nevent: user.login\ndata: {}' });
    happen('b');
    const text = await received('id: b\n\n');
    expect(text).not.toMatch(/^event: user\.login$/m);
    await reader.cancel();
  });

  test('sends a comment every 15 s to show that it is alive', async () => {
    const { received, reader } = await open();
    await received(': connected\n\n');
    await vi.advanceTimersByTimeAsync(15_000);
    await received(': alive\n\n');
    await reader.cancel();
  });

  test('stops listening, and its clock, once the client has gone', async () => {
    const { received, reader, listeners } = await open();
    await received(': connected\n\n');
    expect(listeners.size).toBe(1);
    await reader.cancel();
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(0));
    expect(listeners.size).toBe(0);
  });

  test('cuts off a client that does not read, instead of keeping a mebibyte of events for it', async () => {
    const { happen, listeners } = await open();
    for (let index = 0; index < 40; index += 1) happen(`e${index}`, 'extraction.done', { message: 'm'.repeat(30_000) });
    await vi.waitFor(() => expect(listeners.size).toBe(0));
  });

  test('goes on after an event whose id has a line break, as an older version accepted', async () => {
    const { received, happen, reader } = await open();
    happen('a\nevent: user.login\ndata: {}');
    happen('b');
    const text = await received('id: b\n\n');
    expect(text).toContain('id: a\ufffdevent: user.login\ufffddata: {}\n\n');
    await reader.cancel();
  });

  test('may be open 20 times for one key, and again once one is closed', async () => {
    const first = await open();
    const others = await Promise.all(Array.from({ length: 19 }, async () => first.again()));
    const refused = await first.again();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    await others[0]?.body?.cancel();
    await vi.waitFor(async () => expect((await first.again()).status).toBe(200));
  });
});
