import pino from 'pino';
import { expect, test } from 'vitest';
import type { Badge } from '../../usage/ask/badge.ts';
import { answerErrors } from '../answer-error.ts';
import { badgeRoutes } from './badge-routes.ts';

const BADGE: Badge = { dataset: 'd1', views: 1234, downloads: 56, counted_until: '2026-11-01T00:00:00.000Z' };

function counters(answers: Readonly<Record<string, Badge>> | undefined) {
  let nowMs = 0;
  const asked: string[] = [];
  const app = badgeRoutes({
    ask:
      answers &&
      (async (dataset) => {
        asked.push(dataset);
        return answers[dataset];
      }),
    clientAddress: (_, header) => header('x-forwarded-for'),
    now: () => nowMs,
  });
  answerErrors(app, pino({ level: 'silent' }));
  return {
    asked,
    later: (ms: number) => (nowMs += ms),
    get: async (path: string, headers = {}) => app.request(`/api/v1/badge/${path}`, { headers }),
  };
}

test('a public counter is JSON for pages of any origin, cached for five minutes', async () => {
  const { get, asked, later } = counters({ d1: BADGE });
  const answer = await get('d1');
  expect(await answer.json()).toEqual(BADGE);
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  expect(answer.headers.get('cache-control')).toBe('public, max-age=300');
  await Promise.all([get('d1'), get('d1')]);
  expect(asked).toEqual(['d1']);
  later(300_000);
  await get('d1');
  expect(asked).toEqual(['d1', 'd1']);
});

test('a public counter that the client already has is answered with 304', async () => {
  const { get } = counters({ d1: BADGE });
  const etag = (await get('d1')).headers.get('etag') ?? '';
  expect((await get('d1', { 'if-none-match': `"x", W/${etag}` })).status).toBe(304);
  expect((await get('d1?format=svg', { 'if-none-match': etag })).status).toBe(200);
});

test('a public counter is also a picture of views or downloads', async () => {
  const { get } = counters({ d1: BADGE });
  const answer = await get('d1?format=svg&metric=views');
  expect(answer.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8');
  expect(await answer.text()).toContain('aria-label="views: 1,234"');
});

test('a dataset that is not public or does not exist has no counter, and no dataset has one if counters are off', async () => {
  const known = counters({ d1: BADGE });
  const off = counters(undefined);
  for (const answer of [await known.get('d2'), await known.get(`d${'x'.repeat(300)}`), await off.get('d1')])
    expect([answer.status, await answer.json()]).toEqual([404, expect.objectContaining({ code: 'not_found' })]);
});

test('a failed question is asked again', async () => {
  let fails = true;
  const ask = async (): Promise<Badge> => {
    if (fails) throw new Error('away');
    return BADGE;
  };
  const app = badgeRoutes({ ask, clientAddress: () => undefined });
  answerErrors(app, pino({ level: 'silent' }));
  expect((await app.request('/api/v1/badge/d1')).status).toBe(500);
  fails = false;
  expect((await app.request('/api/v1/badge/d1')).status).toBe(200);
});

test('one client may request 300 uncached counters a minute, and does not stop others from asking', async () => {
  const { get, asked } = counters({ d1: BADGE });
  const by = (client: string, dataset: string): Promise<number> =>
    get(dataset, { 'x-forwarded-for': client }).then(({ status }) => status);
  expect(await by('one', 'd1')).toBe(200);
  for (let nth = 2; nth <= 300; nth += 1) expect(await by('one', `x${nth}`)).toBe(404);
  expect(await by('one', 'x301')).toBe(429);
  expect(await by('one', 'd1')).toBe(200);
  expect(await by('other', 'x301')).toBe(404);
  expect(asked).toHaveLength(301);
});
