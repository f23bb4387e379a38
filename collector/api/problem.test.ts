import { Hono, type Context } from 'hono';
import { describe, expect, test } from 'vitest';
import { denyAsProblem, problem, unavailable } from './problem.ts';

const answerOf = (make: (c: Context) => Response | undefined) =>
  new Hono().get('/', (c) => make(c) ?? c.text('none')).request('/');

describe('a problem (RFC 9457)', () => {
  test('has a stable code, a title, the status and what to do', async () => {
    const answer = await answerOf((c) => problem(c, 413, 'batch_too_large', 'Send fewer'));
    expect(answer.status).toBe(413);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await answer.json()).toEqual({
      type: 'about:blank',
      title: 'batch too large',
      status: 413,
      code: 'batch_too_large',
      detail: 'Send fewer',
    });
  });

  test('may have members of its own', async () => {
    const answer = await answerOf((c) => problem(c, 422, 'x', 'y', { rejected: [{ index: 0 }] }));
    expect(await answer.json()).toMatchObject({ rejected: [{ index: 0 }] });
  });
});

describe('a request that is not let in', () => {
  test.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [429, 'too_many_requests'],
  ] as const)('%i is %s', async (status, code) => {
    const answer = await answerOf((c) => denyAsProblem(c, status, 'why'));
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(await answer.json()).toMatchObject({ code, detail: 'why' });
  });

  test('is told when to come again, in seconds', async () => {
    expect((await answerOf((c) => denyAsProblem(c, 429, 'why', 3))).headers.get('retry-after')).toBe('3');
  });
});

describe('an error of the journal', () => {
  test('is 503, with its own code and time', async () => {
    const error = Object.assign(new Error('The disk is full'), { status: 503, code: 'disk_full', retryAfterS: 5 });
    const answer = await answerOf((c) => unavailable(c, error));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await answer.json()).toMatchObject({ code: 'disk_full', detail: 'The disk is full; try again' });
  });

  test.each([new Error('bug'), Object.assign(new Error('bug'), { status: 500 }), { status: 503 }, 'text', undefined])(
    'is not what %j is',
    async (error) => expect(await (await answerOf((c) => unavailable(c, error))).text()).toBe('none'),
  );
});
