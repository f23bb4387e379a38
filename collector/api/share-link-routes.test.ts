import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StatsQuery } from '../../usage/ask/question.ts';
import { answerErrors } from '../answer-error.ts';
import { openShareStore, type ShareStore } from '../keys/shares.ts';
import { sharedRoutes } from './share-link-routes.ts';

let dir: string;
let shares: ShareStore;
let nowMs = Date.UTC(2026, 10, 1);
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-shares-'));
  shares = openShareStore(dir, () => nowMs);
});
afterAll(() => {
  shares.close();
  rmSync(dir, { recursive: true, force: true });
});

const LIMITS = { metrics: ['views' as const], datasets: ['d1'], from: '2026-10', to: '2026-10' };
const STATS = '/api/v1/shared/stats?metric=views&from=2026-10&to=2026-10';

async function get(path: string, asked: StatsQuery[] = []): Promise<Response> {
  const app = sharedRoutes(shares, async (query) => {
    asked.push(query);
    return {
      period: { from: '2026-10-01T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z' },
      time_zone: 'UTC',
      counted_until: null,
      totals: { views: 7 },
      rows: [],
    };
  });
  answerErrors(app, pino({ level: 'silent' }));
  return app.request(path);
}

test('a share link shows its figures and no others, and the answer is not cached', async () => {
  const { token } = shares.add({ name: 'funder', ...LIMITS });
  const asked: StatsQuery[] = [];
  const answer = await get(`${STATS}&token=${token}`, asked);
  expect([answer.status, await answer.json()]).toEqual([200, expect.objectContaining({ totals: { views: 7 } })]);
  expect(asked).toMatchObject([{ dataset: 'd1' }]);
  expect(asked[0]).not.toHaveProperty('token');
  expect(answer.headers.get('cache-control')).toBe('private, no-store');
  const more = await get(`/api/v1/shared/stats?metric=bytes&from=2026-10&to=2026-10&token=${token}`, asked);
  expect([more.status, await more.json()]).toEqual([403, expect.objectContaining({ code: 'forbidden' })]);
  expect(asked).toHaveLength(1);
});

test('a share link says what it shows', async () => {
  const { token } = shares.add({ name: 'funder', ...LIMITS, expiresAtMs: nowMs + 1000 });
  expect(await (await get(`/api/v1/shared?token=${token}`)).json()).toMatchObject({
    name: 'funder',
    metrics: ['views'],
    datasets: ['d1'],
    from: '2026-10',
    expires: '2026-11-01T00:00:01.000Z',
  });
});

test('a share link that is revoked, expired, unknown or truncated shows nothing', async () => {
  const revoked = shares.add({ name: 'revoked', ...LIMITS });
  shares.revoke(revoked.id);
  const expired = shares.add({ name: 'expired', ...LIMITS, expiresAtMs: nowMs + 1000 });
  nowMs += 1000;
  for (const [token, why] of [
    [revoked.token, 'was revoked'],
    [expired.token, 'has expired'],
    [`${revoked.token.slice(0, -1)}${revoked.token.endsWith('A') ? 'B' : 'A'}`, 'is unknown'],
    [revoked.token.slice(0, 20), 'is unknown'],
    [revoked.id, 'is unknown'],
  ] as const) {
    const answer = await get(`${STATS}&token=${token}`);
    expect([answer.status, await answer.json()]).toEqual([
      401,
      expect.objectContaining({ detail: expect.stringContaining(why) }),
    ]);
  }
  expect((await get(STATS)).status).toBe(400);
});

test('the list of links has no token, and links survive a restart', () => {
  const { id, token } = shares.add({ name: 'kept', ...LIMITS });
  const again = openShareStore(dir);
  expect(JSON.stringify(again.list())).not.toContain(token);
  expect(again.list().find((one) => one.id === id)).toMatchObject({ name: 'kept', ...LIMITS });
  expect(again.verify(token)).toMatchObject({ id });
  expect(() => again.revoke('none')).toThrow('No share link has the id none');
  again.close();
});
