import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { requestHead } from '../../test/support/captured-request.ts';
import type { CapturedEvent } from '../capture/types.ts';
import type { Ask, Asked } from './ask.ts';
import { createEnricher, type EnricherOptions } from './enricher.ts';
import { EnrichmentStats } from './stats.ts';

const FILE = '5f1e00000000000000000001';
const DATASET = 'da7a00000000000000000001';
const USER = '5a55e55e0000000000000001';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const event = (type: CapturedEvent['type'], attributes: CapturedEvent['attributes']): CapturedEvent => ({
  type,
  attributes: { 'clowder.event.id': `of ${type}`, ...attributes },
});
const upload = (file = FILE): CapturedEvent =>
  event('file.uploaded', { 'clowder.file.id': file, 'clowder.file.name': 'a', 'clowder.dataset.id': DATASET });
const removal = event('file.deleted', { 'clowder.file.id': FILE });
const view = event('view.resource', { 'clowder.resource.type': 'file', 'clowder.resource.id': FILE });

interface Call {
  readonly path: string;
  readonly credentials: Readonly<Record<string, string>>;
  readonly answer: (asked: Asked) => Promise<void>;
}

function setUp(options: Partial<EnricherOptions> = {}) {
  const calls: Call[] = [];
  const left: CapturedEvent[][] = [];
  const ask: Ask = (_lookup, path, credentials) => {
    const { promise, resolve } = Promise.withResolvers<Asked>();
    const answer = async (asked: Asked): Promise<void> => {
      resolve(asked);
      await vi.advanceTimersByTimeAsync(0);
    };
    calls.push({ path, credentials, answer });
    return promise;
  };
  const stats = new EnrichmentStats();
  const enricher = createEnricher({
    clowder: 'v1',
    names: true,
    users: false,
    ask,
    stats,
    apiKey: 'operator',
    processKey: Buffer.alloc(32),
    waitMs: 1000,
    cacheEntries: 100,
    cacheMs: 300_000,
    ...options,
  });
  const enrich = (events: readonly CapturedEvent[], headers = {}, target = '/'): void =>
    enricher.enrich(requestHead(headers, target), events, (all) => void left.push([...all]));
  return { enricher, calls, left, stats, enrich };
}

const SOIL: Asked = { facts: { name: 'Soil' } };
const ADA: Asked = { facts: { userId: USER, userName: 'ada@example.org' } };

describe('events', () => {
  test('that lack nothing leave in the same tick', () => {
    const { left, calls, enrich } = setUp();
    const page = event('view.page', {});
    enrich([page]);
    expect(left).toEqual([[page]]);
    expect(calls).toEqual([]);
  });

  test("leave with Clowder's facts and the same ids, and the next ones leave at once", async () => {
    const { left, calls, enrich, stats } = setUp();
    enrich([upload()]);
    expect(left).toEqual([]);
    expect(calls).toMatchObject([{ path: `/api/datasets/${DATASET}`, credentials: { 'x-api-key': 'operator' } }]);
    await calls[0]?.answer({ facts: { name: 'Soil', spaceId: '5bac' } });
    const attributes = { ...upload().attributes, 'clowder.dataset.name': 'Soil', 'clowder.space.id': '5bac' };
    expect(left).toEqual([[{ type: 'file.uploaded', attributes }]]);
    enrich([upload()]);
    expect(left[1]).toEqual(left[0]);
    expect([calls.length, stats.cacheHits, stats.unenriched.size]).toEqual([1, 1, 0]);
  });

  test('share one look-up while it runs, and all leave with its answer', async () => {
    const { left, calls, enrich } = setUp();
    for (let file = 0; file < 50; file += 1) enrich([upload(`5f1e000000000000000000${10 + file}`)]);
    expect(calls).toHaveLength(1);
    await calls[0]?.answer(SOIL);
    expect(left).toHaveLength(50);
    for (const [first] of left) expect(first?.attributes).toMatchObject({ 'clowder.dataset.name': 'Soil' });
  });

  test('make a further look-up if an answer leads to it', async () => {
    const { left, calls, enrich } = setUp({ clowder: 'v2' });
    enrich([event('file.archived', { 'clowder.file.id': FILE })]);
    expect(calls.map(({ path }) => path)).toEqual([`/api/v2/files/${FILE}/summary`]);
    await calls[0]?.answer({ facts: { name: 'a.txt', datasetId: DATASET } });
    expect(calls[1]?.path).toBe(`/api/v2/datasets/${DATASET}`);
    await calls[1]?.answer(SOIL);
    expect(left[0]?.[0]?.attributes).toMatchObject({
      'clowder.file.name': 'a.txt',
      'clowder.dataset.id': DATASET,
      'clowder.dataset.name': 'Soil',
    });
  });

  test('make look-ups for public data of v2 if there is no key', () => {
    const { calls, enrich } = setUp({ clowder: 'v2', apiKey: undefined });
    enrich([view]);
    expect(calls).toMatchObject([{ path: `/api/v2/public_files/${FILE}/summary`, credentials: {} }]);
  });

  test('of one request leave together, in their order', async () => {
    const { left, calls, enrich } = setUp();
    const page = event('view.page', {});
    enrich([upload(), page]);
    await calls[0]?.answer(SOIL);
    expect(left.map((all) => all.map(({ type }) => type))).toEqual([['file.uploaded', 'view.page']]);
  });

  test('leave after their time without a late answer, which the next ones get', async () => {
    const { left, calls, enrich, stats } = setUp();
    enrich([upload()]);
    await vi.advanceTimersByTimeAsync(999);
    expect(left).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(left).toEqual([[upload()]]);
    expect([...stats.unenriched]).toEqual([['timeout', 1]]);
    await calls[0]?.answer(SOIL);
    expect(left).toHaveLength(1);
    enrich([upload()]);
    expect(left[1]?.[0]?.attributes).toMatchObject({ 'clowder.dataset.name': 'Soil' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leave with those facts that came', async () => {
    const { left, calls, enrich, stats } = setUp();
    enrich([{ ...view, attributes: { ...view.attributes, 'clowder.dataset.id': DATASET } }]);
    await calls[0]?.answer({ facts: { name: 'a.txt' } });
    await calls[1]?.answer({ failed: 'failed' });
    expect(left[0]?.[0]?.attributes).toMatchObject({ 'clowder.resource.name': 'a.txt' });
    expect(left[0]?.[0]?.attributes).not.toHaveProperty('clowder.space.id');
    expect([...stats.unenriched]).toEqual([['failed', 1]]);
  });

  test('of one resource keep their order, those of others pass', async () => {
    const { left, calls, enrich } = setUp();
    enrich([view]);
    enrich([removal]);
    enrich([event('space.deleted', { 'clowder.resource.id': '5bac00000000000000000001' })]);
    expect(left.map(([first]) => first?.type)).toEqual(['space.deleted']);
    await calls[0]?.answer({ facts: null });
    expect(left.map(([first]) => first?.type)).toEqual(['space.deleted', 'view.resource', 'file.deleted']);
  });

  test('do not wait if too many wait, and are counted', () => {
    const { left, enrich, stats } = setUp({ maxWaiting: 2 });
    for (let file = 0; file < 5; file += 1) enrich([upload(`5f1e00000000000000000${100 + file}`)]);
    expect(left).toHaveLength(3);
    expect([...stats.unenriched]).toEqual([['busy', 3]]);
  });

  test('that wait leave at once on a flush', async () => {
    const { enricher, left, calls, enrich, stats } = setUp();
    enrich([view]);
    enrich([removal]);
    enrich([upload('5f1e00000000000000000099')]);
    enricher.release();
    expect(left.map(([first]) => first?.type)).toEqual(['view.resource', 'file.deleted', 'file.uploaded']);
    expect(stats.unenriched.get('shutdown')).toBe(2);
    await calls[0]?.answer({ facts: { name: 'late' } });
    expect([left.length, vi.getTimerCount()]).toEqual([3, 0]);
  });

  test('leave even if look-ups are broken', async () => {
    const { left, enrich } = setUp({ ask: () => Promise.reject(new Error('bug')) });
    enrich([view]);
    await vi.advanceTimersByTimeAsync(0);
    expect(left).toEqual([[view]]);
  });
});

describe('answers', () => {
  test('that find nothing are cached too, for a shorter time', async () => {
    const { left, calls, enrich } = setUp({ now: () => Date.now() });
    enrich([view]);
    await calls[0]?.answer({ facts: null });
    enrich([view]);
    expect([calls.length, left.length]).toEqual([1, 2]);
    await vi.advanceTimersByTimeAsync(60_000);
    enrich([view]);
    expect(calls).toHaveLength(2);
  });

  test('are requested again after their time', async () => {
    const { calls, enrich } = setUp({ now: () => Date.now(), cacheMs: 5000 });
    enrich([view]);
    await calls[0]?.answer({ facts: { name: 'a' } });
    await vi.advanceTimersByTimeAsync(4999);
    enrich([view]);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    enrich([view]);
    expect(calls).toHaveLength(2);
  });

  test('that did not come are not cached', async () => {
    const { calls, enrich } = setUp();
    enrich([view]);
    await calls[0]?.answer({ failed: 'failed' });
    enrich([view]);
    expect(calls).toHaveLength(2);
  });

  test('serve the events that waited for them, however small the cache is', async () => {
    const { left, calls, enrich } = setUp({ clowder: 'v2', cacheEntries: 1 });
    enrich([event('file.archived', { 'clowder.file.id': FILE })]);
    await calls[0]?.answer({ facts: { name: 'a', datasetId: DATASET } });
    await calls[1]?.answer(SOIL);
    expect(calls).toHaveLength(2);
    expect(left[0]?.[0]?.attributes).toMatchObject({ 'clowder.file.name': 'a', 'clowder.dataset.name': 'Soil' });
  });
});

describe('users', () => {
  const users = { names: false, users: true } as const;

  test("are looked up with the request's credentials, once for all requests with these", async () => {
    const { left, calls, enrich } = setUp(users);
    for (let count = 0; count < 20; count += 1) enrich([upload()], { 'user-agent': 'pyclowder' }, '/api/files?key=s3');
    expect(calls).toMatchObject([{ path: '/api/me', credentials: { 'x-api-key': 's3' } }]);
    await calls[0]?.answer(ADA);
    enrich([upload()], { 'x-api-key': 's3' });
    expect([calls.length, left.length]).toEqual([1, 21]);
    for (const [first] of left)
      expect(first?.attributes).toMatchObject({ 'user.id': USER, 'user.name': 'ada@example.org' });
  });

  test('with other credentials are looked up separately', async () => {
    const { left, calls, enrich } = setUp(users);
    enrich([upload()], { cookie: 'id=1' });
    enrich([removal], { cookie: 'id=2' });
    await calls[1]?.answer({ facts: { userName: 'bob@example.org' } });
    await calls[0]?.answer(ADA);
    const names = left.map(([first]) => [first?.type, first?.attributes['user.name']]);
    expect(names).toEqual([['file.uploaded', 'ada@example.org'], ['file.deleted', 'bob@example.org']]); // prettier-ignore
  });

  test('are not looked up for a request without credentials or a login, nor if look-ups of users are off', () => {
    const { calls, left, enrich } = setUp(users);
    enrich([upload()]);
    enrich([event('user.login', {})], { cookie: 'id=of somebody before' });
    const off = setUp({ names: false, users: false });
    off.enrich([upload()], { cookie: 'id=1' });
    expect([calls.length, left.length, off.calls.length, off.left.length]).toEqual([0, 2, 0, 1]);
  });

  test('are added to the span once they are known', async () => {
    const { enricher, calls, enrich } = setUp(users);
    const head = requestHead({ cookie: 'id=1' });
    expect(enricher.spanAttributes(head, {})).toBeUndefined();
    enrich([upload()], head.headers);
    await calls[0]?.answer(ADA);
    expect(enricher.spanAttributes(head, {})).toEqual({ 'user.id': USER, 'user.name': 'ada@example.org' });
    expect(enricher.spanAttributes(head, { 'user.name': 'bob' })).toBeUndefined();
    expect(enricher.spanAttributes(requestHead(), {})).toBeUndefined();
  });
});
