import { expect, test } from 'vitest';
import { page } from '../../test/support/usage/cases.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { Follower, type EventSource, type SourceRow } from './follower.ts';

const NOW = 1_000_000;

/** A journal of rows with one event each, which gives as many bytes at once as one row has. */
function journal(): EventSource & { readonly rows: SourceRow[]; add: (count: number) => void } {
  const rows: SourceRow[] = [];
  let last = 0;
  return {
    rows,
    add(count) {
      for (let added = 0; added < count; added += 1) {
        last += 1;
        rows.push({ row: last, atMs: last * 100, lines: [JSON.stringify(page('10:00:00', {}))] });
      }
    },
    read: (afterRow) => rows.filter(({ row }) => row > afterRow).slice(0, 2),
  };
}

async function withStore(work: (store: UsageStore) => Promise<void>): Promise<void> {
  const store = await openDuckdbStore();
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

test('the journal is read in batches, in order, until nothing is left', async () => {
  await withStore(async (store) => {
    const source = journal();
    source.add(3);
    const follower = new Follower(source, store, () => NOW, 1);
    expect(await follower.step()).toBe(true);
    // Everything accepted up to the second row is counted.
    expect([follower.takenRow, follower.countedUntilMs]).toEqual([2, 200]);
    expect(await follower.step()).toBe(true);
    expect(await follower.step()).toBe(false);
    // Nothing is left: everything accepted until now is counted.
    expect([follower.takenRow, follower.countedUntilMs, follower.missedRows]).toEqual([3, NOW, 0]);
    expect(await store.contents()).toMatchObject({ events: 3 });
  });
});

test('after a batch that is not full the journal is left alone for a while', async () => {
  await withStore(async (store) => {
    const source = journal();
    source.add(2);
    const follower = new Follower(source, store, () => NOW);
    expect(await follower.step()).toBe(false);
    // Nothing is left: everything accepted until now is counted.
    expect([follower.takenRow, follower.countedUntilMs]).toEqual([2, NOW]);
  });
});

test('after a restart it continues where it was', async () => {
  await withStore(async (store) => {
    const source = journal();
    source.add(2);
    await new Follower(source, store, () => NOW).step();
    source.add(1);
    const again = new Follower(source, store, () => NOW);
    await again.step();
    expect(again.takenRow).toBe(3);
    expect(await store.contents()).toMatchObject({ events: 3 });
  });
});

test('rows that the journal deleted before they were counted are reported', async () => {
  await withStore(async (store) => {
    const source = journal();
    source.add(2);
    const follower = new Follower(source, store, () => NOW);
    await follower.step();
    source.add(5);
    source.rows.splice(0, 5);
    await follower.step();
    expect([follower.missedRows, follower.takenRow]).toEqual([3, 7]);
  });
});

test('a batch that cannot be stored is read again, whole', async () => {
  await withStore(async (store) => {
    const source = journal();
    source.add(2);
    let fails = true;
    const failing: UsageStore = Object.create(store, {
      ingest: {
        value: async (...given: Parameters<UsageStore['ingest']>) => {
          if (fails) throw new Error('disk full');
          return store.ingest(...given);
        },
      },
      mark: { value: async (name: string) => store.mark(name) },
    }) as UsageStore;
    const follower = new Follower(source, failing, () => NOW);
    await expect(follower.step()).rejects.toThrow('disk full');
    expect(follower.takenRow).toBe(0);
    fails = false;
    await follower.step();
    expect(await store.contents()).toMatchObject({ events: 2 });
  });
});
