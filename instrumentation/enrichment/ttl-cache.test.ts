import { expect, test } from 'vitest';
import { TtlCache } from './ttl-cache.ts';

test('a value is kept for its time', () => {
  let now = 0;
  const cache = new TtlCache<string>(10, () => now);
  cache.set('a', 'A', 100);
  cache.set('b', 'B', 200);
  now = 99;
  expect(cache.get('a')).toBe('A');
  now = 100;
  expect([cache.get('a'), cache.get('b'), cache.size]).toEqual([undefined, 'B', 1]);
});

test('a full cache drops the least recently used value', () => {
  const cache = new TtlCache<number>(2, () => 0);
  cache.set('a', 1, 1);
  cache.set('b', 2, 1);
  cache.get('a');
  cache.set('c', 3, 1);
  expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3]);
  cache.set('a', 4, 1);
  expect([cache.get('a'), cache.get('c'), cache.size]).toEqual([4, 3, 2]);
});
