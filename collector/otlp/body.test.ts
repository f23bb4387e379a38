import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { answerErrors } from '../answer-error.ts';
import { readBody } from './body.ts';
import { createByteBudget } from './byte-budget.ts';

/** An app with a budget of its own that reads bodies and answers with their lengths. */
function readerApp(limits: { readonly idleMs?: number; readonly totalMs?: number }): Hono {
  const budget = createByteBudget(1000);
  const app = new Hono();
  answerErrors(app, pino({ level: 'silent' }));
  app.post('/', async (c) => {
    const lease = budget.lease();
    try {
      return c.text(String((await readBody(c, { maxBytes: 1000, lease, ...limits })).byteLength));
    } finally {
      lease.end();
    }
  });
  return app;
}

function reader(limits: Parameters<typeof readerApp>[0]) {
  const app = readerApp(limits);
  return (body: ReadableStream<Uint8Array> | string) => app.request('/', { method: 'POST', body, duplex: 'half' });
}

/** Sends a piece at every pull until all are sent, then nothing for ever. */
const endless = (pieces: number, bytes: number) =>
  new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (pieces === 0) return new Promise<void>(() => undefined);
      pieces -= 1;
      await new Promise(setImmediate);
      controller.enqueue(new Uint8Array(bytes));
    },
  });

test('a body that stops half-way ends with 408, and frees its share of the budget', async () => {
  const read = reader({ idleMs: 20 });
  const answer = await read(endless(9, 100));
  expect(answer.status).toBe(408);
  expect(await answer.json()).toMatchObject({ code: 'body_too_slow' });
  expect(await (await read('x'.repeat(1000))).text()).toBe('1000');
});

test('a body that comes byte by byte ends with 408 too', async () => {
  const answer = await reader({ idleMs: 10_000, totalMs: 20 })(endless(Number.POSITIVE_INFINITY, 0));
  expect(answer.status).toBe(408);
});

test('several bodies on one connection are each read whole, whether they come at once or not', async () => {
  const server = createAdaptorServer({ fetch: readerApp({}).fetch }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const post = (body: RequestInit['body'] & {}) =>
    fetch(`http://127.0.0.1:${port}`, { method: 'POST', body, duplex: 'half' });
  const pieces = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      async start(controller) {
        for (let piece = 0; piece < 3; piece += 1) {
          controller.enqueue(new Uint8Array(100));
          await new Promise(setImmediate);
        }
        controller.close();
      },
    });
  try {
    for (let round = 0; round < 3; round += 1) {
      expect(await (await post('x'.repeat(1000))).text()).toBe('1000');
      expect((await post('x'.repeat(1001))).status).toBe(413);
      expect(await (await post('')).text()).toBe('0');
      expect(await (await post(pieces())).text()).toBe('300');
    }
  } finally {
    server.close();
  }
});
