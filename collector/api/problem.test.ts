import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { CollectorError } from '../errors.ts';
import { problem } from './problem.ts';

const answerOf = (error: CollectorError) => new Hono().get('/', (c) => problem(c, error)).request('/');

describe('a problem (RFC 9457)', () => {
  test('has a stable code, a title, the status and what to do', async () => {
    const answer = await answerOf(new CollectorError('batch_too_large', 'Send fewer'));
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
    const answer = await answerOf(new CollectorError('invalid_event', 'y', { members: { rejected: [{ index: 0 }] } }));
    expect(await answer.json()).toMatchObject({ rejected: [{ index: 0 }] });
  });
});

describe('a request refused by the key check', () => {
  test.each([
    ['unauthorized', 401],
    ['forbidden', 403],
  ] as const)('as %s gets %i, without Retry-After', async (code, status) => {
    const answer = await answerOf(new CollectorError(code, 'why'));
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(await answer.json()).toMatchObject({ code, detail: 'why' });
  });

  test('for too many requests says when to try again, in seconds', async () => {
    const answer = await answerOf(new CollectorError('too_many_requests', 'why', { retryAfterS: 3 }));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '3']);
    expect(await answer.json()).toMatchObject({ code: 'too_many_requests', detail: 'why' });
  });
});
