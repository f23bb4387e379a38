import { z } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { pino } from 'pino';
import { expect, expectTypeOf, test, vi } from 'vitest';
import { answerErrors } from '../answer-error.ts';
import { answer, json } from './answers.ts';
import { whole } from './query.ts';
import { defineRoute, serve } from './route.ts';

const LIST = defineRoute({
  method: 'get',
  path: '/things',
  scope: 'public',
  operationId: 'list_things',
  summary: 'Things',
  request: { query: z.object({ limit: whole(1, 10).default(5) }) },
  responses: {
    200: answer('Things', json(z.object({ things: z.array(z.string()).readonly() }))),
    503: answer('None', json(z.object({ why: z.string() }))),
  },
});

function app(): Hono {
  const created = new Hono();
  answerErrors(created, pino({ level: 'silent' }));
  return created;
}

test('a handler gets the query as parsed by the definition', async () => {
  const served = app();
  serve(served, LIST, (c, query) => {
    expectTypeOf(query).toEqualTypeOf<{ limit: number }>();
    return c.json({ things: [`limit ${query.limit}`] }, 200);
  });
  expect(await (await served.request('/things?limit=7')).json()).toEqual({ things: ['limit 7'] });
  expect(await (await served.request('/things')).json()).toEqual({ things: ['limit 5'] });
});

test('a handler is not called if the definition refuses the query', async () => {
  const served = app();
  const handler = vi.fn<() => void>();
  serve(served, LIST, (c) => {
    handler();
    return c.json({ things: [] }, 200);
  });
  const refused = await served.request('/things?limit=11');
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    code: 'invalid_query',
    detail: expect.stringContaining('from 1 to 10'),
  });
  expect(handler).not.toHaveBeenCalled();
});

test('an answer that the definition does not have does not compile', () => {
  const served = app();
  serve(served, LIST, (c) => c.json({ why: 'closed' }, 503));
  // @ts-expect-error another body
  serve(served, LIST, (c) => c.json({ thing: 'a' }, 200));
  // @ts-expect-error a body of another status
  serve(served, LIST, (c) => c.json({ why: 'closed' }, 200));
  // @ts-expect-error another status
  serve(served, LIST, (c) => c.json({ things: [] }, 201));
  // @ts-expect-error no JSON
  serve(served, LIST, (c) => c.text('things'));
  expect(served.routes.filter(({ path }) => path === '/things')).toHaveLength(5);
});

test('the document has the errors of a query and a key, and those that the definition names', () => {
  const errorsOf = (scope: 'public' | 'read'): readonly string[] => {
    const { documented } = defineRoute({ ...LIST.definition, scope, errors: ['journal_full', 'body_too_large'] });
    return Object.keys(documented[0]?.responses ?? {});
  };
  expect(errorsOf('public')).toEqual(['200', '400', '413', '503']);
  expect(errorsOf('read')).toEqual(['200', '400', '401', '403', '413', '429', '503']);
});
