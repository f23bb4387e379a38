import { expect, test } from 'vitest';
import { clientBucket } from './client-bucket.ts';

test('a client has one group of two hex digits, even if its address is unknown', () => {
  for (const address of ['192.0.2.17', '2001:db8::1', '']) expect(clientBucket(address)).toMatch(/^[0-9a-f]{2}$/);
  expect(clientBucket('192.0.2.17')).toBe(clientBucket('192.0.2.17'));
});

test('clients of one network are spread evenly over the groups', () => {
  const counts = new Map<string, number>();
  for (let host = 0; host < 25_600; host += 1) {
    const bucket = clientBucket(`10.7.${host >> 8}.${host & 255}`);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  expect(counts.size).toBe(256);
  expect(Math.max(...counts.values())).toBeLessThan(200);
  expect(Math.min(...counts.values())).toBeGreaterThan(50);
});
