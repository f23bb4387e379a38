import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { giveUpWhereNothingIsLeft } from '../../collector/journal/ballast.ts';
import { diskFilesOf, freeBytes } from '../../collector/journal/disk-files.ts';
import { GuardedStore } from '../../collector/journal/guarded-store.ts';
import { JournalStore } from '../../collector/journal/store.ts';
import { startCollector } from '../support/collector-process.ts';
import { consumeEventSink } from '../support/consumer.ts';
import { openVhost, uniqueName, vhostUrl } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

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
  giveUpWhereNothingIsLeft(diskFilesOf(dir));
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
  'a disk that the journal filled with batches of %i bytes has room for new ones once they are published, over restarts',
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

it('with 0 bytes left, the journal records what is published and holds what no queue takes, over a restart too', () => {
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

it('the journal has its ballast again and accepts new events once others free space', async () => {
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

it('a journal on a full disk opens', () => {
  open();
  for (let n = 0; n < 1000; n += 1) append(1000);
  store?.close();
  takeAllThatIsFree();
  expect(open().stats()).toMatchObject({ lastRow: 1000 });
  expect(store?.write([{ cursor: { row: 1000, index: 1 } }], NOW)).toEqual([{ ok: true, heldIds: [] }]);
});

it('a journal opens with 0 bytes left, even if the previous process spent the ballast and others used what it left', () => {
  open();
  for (let n = 0; n < 1000; n += 1) append(1000);
  takeAllThatIsFree();
  rmSync(join(dir, 'ballast'));
  takeAllThatIsFree();
  store?.close();
  takeAllThatIsFree();
  expect(freeBytes(dir)).toBe(0);
  expect(open().stats()).toMatchObject({ lastRow: 1000 });
  for (let row = 100; row <= 1000; row += 100)
    expect(store?.write([{ cursor: { row, index: 1 } }], NOW)).toEqual([{ ok: true, heldIds: [] }]);
});

describe('a disk that a version without a ballast filled to its last byte', () => {
  /** @returns the last row */
  const fillAsBefore = (): number => {
    const before = new JournalStore({ dir, maxBytes: 1e9, retentionMs: 1e9, rejectedMax: 100 });
    while (before.write([{ append: event(1000) }], NOW)[0]?.ok === true);
    const { lastRow } = before.stats();
    before.close();
    expect(freeBytes(dir)).toBe(0);
    return lastRow;
  };

  it('says how much room it needs if nothing can be written, and goes on once there is room', async () => {
    const lastRow = fillAsBefore();
    open();
    const cursor = { row: lastRow, index: 1 };
    const refusal = { code: 'journal_unavailable', message: expect.stringMatching(/free 16 MiB on it/) as string };
    expect(store?.write([{ cursor }], NOW)).toEqual([{ ok: false, refusal }]);
    expect(store?.stats().refusal).toEqual(refusal);
    execFileSync('mount', ['-o', 'remount,size=28m', dir]);
    expect(store?.write([{ cursor }], NOW)).toEqual([{ ok: true, heldIds: [] }]);
    expect(store?.stats()).toMatchObject({ backlogBytes: 0, lastRow });
    await expect.poll(() => append(1000), { timeout: 5000 }).toBe(true);
  });

  it('says the same if the journal cannot even be opened', () => {
    fillAsBefore();
    rmSync(join(dir, 'journal.db-shm'));
    takeAllThatIsFree();
    expect(open).toThrow(/no room to open what is there: free 16 MiB on it and start again\. Nothing accepted is lost/);
  });
});

it('the collector delivers what filled its disk, accepts new events, and repeats nothing after a restart', async () => {
  const vhost = uniqueName('full-disk');
  await using collector = await startCollector({ amqpUrl: vhostUrl(vhost), dataDir: dir, env: { LOG_LEVEL: 'error' } });
  const post = async (id: string): Promise<number> => {
    const events = Array.from({ length: 20 }, (_, index) => ({
      event: 'extraction.failed',
      event_id: `${id}-${index}`,
      file_id: '5f1e00000000000000000001',
      message: 'x'.repeat(2000),
    }));
    const { status } = await fetch(`${collector.url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events),
    });
    return status;
  };
  let batches = 0;
  for (let status = await post('b0'); status === 202; status = await post(`b${batches}`)) batches += 1;
  expect(await post('refused')).toBe(503);
  expect(batches).toBeGreaterThan(100);
  // Others take the rest: the collector is stopped and started with no space left.
  takeAllThatIsFree();
  await collector.kill('SIGTERM');
  takeAllThatIsFree();
  expect(freeBytes(dir)).toBe(0);
  await collector.start();
  await using broker = await openVhost(vhost);
  await using sink = await consumeEventSink(broker.url);
  const accepted = batches * 20;
  await waitFor(() => sink.ids().length === accepted, { timeoutMs: 60_000, what: 'everything that was accepted' });
  await waitFor(async () => (await post('after')) === 202, { timeoutMs: 60_000, what: 'new events to be taken' });
  await waitFor(() => sink.ids().length === accepted + 20, { timeoutMs: 60_000, what: 'the new ones' });
  const settled = async (): Promise<boolean> => {
    const body = (await (await fetch(`${collector.url}/readyz`)).json()) as { status: string };
    return body.status === 'ready';
  };
  await waitFor(settled, { timeoutMs: 60_000, what: 'readiness' });
  const received = sink.received.length;
  await collector.kill('SIGTERM');
  await collector.start();
  expect(await post('restarted')).toBe(202);
  await waitFor(() => sink.ids().includes('restarted-19'), { timeoutMs: 60_000, what: 'what came after the restart' });
  expect(sink.received.length).toBe(received + 20);
});
