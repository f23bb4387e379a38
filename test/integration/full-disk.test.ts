import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freeBytes, giveUpWhereNothingIsLeft } from '../../collector/journal/ballast.ts';
import { GuardedStore } from '../../collector/journal/guarded-store.ts';

const DISK = '12m';
const NOW = 1_790_000_000_000;

let dir: string;
let store: GuardedStore | undefined;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-full-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', dir]);
});

afterEach(() => {
  store?.close();
  store = undefined;
  execFileSync('umount', [dir]);
  rmSync(dir, { recursive: true });
});

const open = (): GuardedStore => {
  giveUpWhereNothingIsLeft(dir);
  store = new GuardedStore({ dir, maxBytes: 1e9, retentionMs: 1e9, rejectedMax: 100 });
  return store;
};
const event = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));
const append = (bytes: number): boolean => store?.write([{ append: event(bytes) }], NOW)[0]?.ok === true;
const fill = (bytes: number): number => {
  let count = 0;
  while (append(bytes)) count += 1;
  return count;
};
const takeAllThatIsFree = (): void => {
  for (let size = freeBytes(dir); size > 0; size = freeBytes(dir))
    writeFileSync(join(dir, `other-${size}`), Buffer.alloc(Math.min(size, 65_536)));
};

it.each([1000, 20_000, 300_000])(
  'a disk that the journal filled with batches of %i bytes takes new ones once they are published, over restarts',
  (bytes) => {
    open();
    for (let round = 0; round < 3; round += 1) {
      const count = fill(bytes);
      expect(count * bytes).toBeGreaterThan(3_000_000);
      expect(store?.stats().refusal).toMatchObject({ code: 'journal_unavailable' });
      const { lastRow } = store?.stats() ?? {};
      for (let row = 1; row <= (lastRow ?? 0); row += 1)
        if (row === lastRow || row % 50 === 0)
          expect(store?.write([{ cursor: { row, index: 1 } }], NOW)).toEqual([{ ok: true, heldIds: [] }]);
      store?.close();
      open();
      expect(store?.stats()).toMatchObject({ backlogBytes: 0, lastRow });
    }
  },
);

it('with 0 bytes left, what is published is written down, what no queue takes is held, and that outlives a restart', () => {
  open();
  for (let n = 0; n < 2000; n += 1) append(1000);
  takeAllThatIsFree();
  expect(freeBytes(dir)).toBe(0);
  while (append(1000));
  for (let row = 1; row <= 500; row += 1) {
    const line = event(500);
    const holdEvents = [{ reason: 'unroutable', type: 't', sinceMs: NOW, line } as const];
    expect(store?.write([{ cursor: { row, index: 1 }, holdEvents }], NOW)).toEqual([{ ok: true, heldIds: [] }]);
  }
  const { lastRow = 0 } = store?.stats() ?? {};
  expect(store?.write([{ cursor: { row: lastRow, index: 1 } }], NOW)).toEqual([{ ok: true, heldIds: [] }]);
  const { backlogBytes } = store?.stats() ?? {};
  expect(backlogBytes).toBe(500 * 500);
  store?.close();
  store = undefined;
  expect(open().stats().backlogBytes).toBe(backlogBytes);
});

it('the ballast is there again, and new events are taken, once others give room back', async () => {
  open();
  for (let n = 0; n < 1000; n += 1) append(1000);
  const other = join(dir, 'other');
  writeFileSync(other, Buffer.alloc(freeBytes(dir)));
  expect(append(1000)).toBe(false);
  for (let row = 1; row <= 1000; row += 1) store?.write([{ cursor: { row, index: 1 } }], NOW);
  rmSync(other);
  await expect.poll(() => append(1000), { timeout: 5000 }).toBe(true);
  expect(statSync(join(dir, 'ballast')).size).toBeGreaterThan(500_000);
});

it('a disk with nothing left opens', () => {
  open();
  for (let n = 0; n < 1000; n += 1) append(1000);
  store?.close();
  takeAllThatIsFree();
  expect(open().stats()).toMatchObject({ lastRow: 1000 });
  expect(store?.write([{ cursor: { row: 1000, index: 1 } }], NOW)).toEqual([{ ok: true, heldIds: [] }]);
});
