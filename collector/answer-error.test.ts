import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { answerErrors } from './answer-error.ts';
import { CollectorError, ERRORS, type ErrorCode } from './errors.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];

function throwing(thrown: Error) {
  const logged: unknown[] = [];
  const app = new Hono();
  answerErrors(app, { error: (entry: unknown) => logged.push(entry) });
  app.post('/api/v1/events', () => Promise.reject(thrown));
  app.post('/v1/logs', () => Promise.reject(thrown));
  return { post: (path: string) => app.request(path, { method: 'POST' }), logged };
}

describe('an error with a code', () => {
  test.each(CODES)('%s has the status and Retry-After of its code, as a problem and in OTLP', async (code) => {
    const { post, logged } = throwing(new CollectorError(code));
    const kind: { status: number; sentence: string; retryAfterS?: number } = ERRORS[code];
    const [api, otlp] = [await post('/api/v1/events'), await post('/v1/logs')];
    const retryAfter = kind.retryAfterS === undefined ? null : String(kind.retryAfterS);
    for (const answer of [api, otlp])
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([kind.status, retryAfter]);
    expect(await api.json()).toMatchObject({ code, status: kind.status, detail: kind.sentence });
    expect(await otlp.json()).toEqual({ code: expect.any(Number) as number, message: kind.sentence });
    expect(logged).toEqual([]);
  });

  test.each(CODES.filter((code) => ERRORS[code].status === 503 || ERRORS[code].status === 429))(
    '%s says when to try again',
    (code) => expect(new CollectorError(code).retryAfterS).toBeGreaterThan(0),
  );
});

describe('an unexpected error', () => {
  test.each([
    new Error('password is s3cret'),
    Object.assign(new Error('password is s3cret'), { status: 503, code: 'journal_full', retryAfterS: 1 }),
  ])('is logged and answered with 500, whatever it says about itself', async (error) => {
    const { post, logged } = throwing(error);
    for (const path of ['/api/v1/events', '/v1/logs']) {
      const answer = await post(path);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([500, null]);
      expect(await answer.text()).not.toContain('s3cret');
    }
    expect(logged).toEqual([
      { err: error, path: '/api/v1/events' },
      { err: error, path: '/v1/logs' },
    ]);
  });
});
