import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeenIds } from './seen-ids.ts';
import { runs } from '../../test/support/form.ts';

const hexId = (name: string | number): string => createHash('md5').update(String(name)).digest('hex');

describe('SeenIds', () => {
  it('behaves like a plain set while nothing is old', () => {
    const id = fc.oneof(
      fc.nat(40).map(hexId),
      fc.nat(40).map((n) => `order-${n}`),
      fc.constantFrom('', '0'.repeat(32), 'A'.repeat(32), 'é'.repeat(32)),
    );
    const step = fc.tuple(fc.constantFrom('add', 'delete', 'has'), id);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const seen = new SeenIds();
        const model = new Set<string>();
        for (const [what, one] of steps) {
          if (what === 'add') {
            seen.add(one, 0);
            model.add(one);
          } else if (what === 'delete') {
            seen.delete(one);
            model.delete(one);
          }
          expect(seen.has(one)).toBe(model.has(one));
        }
        expect(seen.size).toBe(model.size);
      }),
      runs(50),
    );
  });

  it('tells a UUID from the same digits without dashes or with dashes elsewhere', () => {
    const seen = new SeenIds();
    const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e';
    seen.add(uuid, 0);
    expect(seen.has(uuid)).toBe(true);
    expect(seen.has(uuid.replaceAll('-', ''))).toBe(false);
    expect(seen.has(uuid.toUpperCase())).toBe(false);
    expect(seen.has('0f8fad5bd-9cb-469f-a165-70867728950e')).toBe(false);
  });

  it('remembers every id for the window, and at most a twelfth of it longer', () => {
    const windowMs = 1200;
    const step = fc.tuple(fc.nat(20), fc.nat(400));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const seen = new SeenIds({ windowMs });
        const model = new Map<string, number>();
        let nowMs = 0;
        for (const [n, laterMs] of steps) {
          nowMs += laterMs;
          const added = hexId(n);
          seen.add(added, nowMs);
          model.set(added, nowMs);
          for (const [id, atMs] of model) {
            const ageMs = nowMs - atMs;
            const known = seen.has(id);
            expect({ id, ageMs, known }).toEqual({
              id,
              ageMs,
              known: ageMs < windowMs || (known && ageMs < (windowMs * 13) / 12),
            });
          }
        }
      }),
      runs(50),
    );
  });

  it('forgets old ids at the first id after a long silence', () => {
    const seen = new SeenIds({ windowMs: 1000 });
    seen.add('before', 0);
    seen.add('after', 1_000_000);
    expect(seen.has('before')).toBe(false);
    expect(seen.has('after')).toBe(true);
  });

  it('never remembers more than maxIds, and drops the oldest first', () => {
    const seen = new SeenIds({ maxIds: 1200 });
    for (let n = 0; n < 5000; n += 1) {
      seen.add(hexId(n), 0);
      expect(seen.size).toBeLessThanOrEqual(1200);
    }
    for (let n = 4001; n < 5000; n += 1) expect(seen.has(hexId(n))).toBe(true);
    expect(seen.has(hexId(0))).toBe(false);
  });

  it('still finds the others after ids were deleted from a crowded table', () => {
    const seen = new SeenIds();
    for (let n = 0; n < 3000; n += 1) seen.add(hexId(n), 0);
    for (let n = 0; n < 3000; n += 3) seen.delete(hexId(n));
    for (let n = 0; n < 3000; n += 1) expect(seen.has(hexId(n))).toBe(n % 3 !== 0);
  });

  it('frees the memory of the keys that it restores, and knows them', () => {
    const before = Array.from({ length: 3 }, (_, n) => ({ keys: Uint32Array.of(n + 1, 2, 3), firstMs: 0, lastMs: 0 }));
    const seen = new SeenIds();
    seen.restore(before);
    expect(seen.size).toBe(3);
    expect(before.map(({ keys }) => keys.buffer.byteLength)).toEqual([0, 0, 0]);
  });

  it('stays fast if all ids begin with the same time', () => {
    const seen = new SeenIds();
    // With all ids in one chain this would take minutes, not milliseconds.
    for (let n = 0; n < 100_000; n += 1) seen.add(`0192f3a1${n.toString(16).padStart(8, '0')}8000000000000000`, 0);
    expect(seen.size).toBe(100_000);
  });

  it('starts small, and needs at most 64 bytes for an id', () => {
    const seen = new SeenIds();
    seen.add(hexId(0), 0);
    expect(seen.bytes).toBeLessThanOrEqual(16 * 1024);
    for (let n = 1; n < 20_000; n += 1) seen.add(hexId(n), 0);
    expect(seen.bytes / seen.size).toBeLessThanOrEqual(64);
  });
});
