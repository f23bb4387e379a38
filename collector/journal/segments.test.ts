import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SeenIds } from '../intake/seen-ids.ts';
import { openJournalReader } from './journal.ts';
import { JOURNAL_FILE } from './schema.ts';
import type { KeyRule } from './segments.ts';
import { JournalStore, type StoreOptions } from './store.ts';

const TYPES = ['file.uploaded', 'view.page', 'user.login'];
/** The only key of a line is its id. */
const rule: KeyRule = { version: 3, keysOf: (line) => [(JSON.parse(line) as { event_id: string }).event_id] };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-segments-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const line = (id: string, type = 'view.page'): string => JSON.stringify({ event_id: id, event: type, created: 1 });

function open(options: Partial<StoreOptions> = {}): JournalStore {
  return new JournalStore({
    dir,
    maxBytes: 1e9,
    retentionMs: 1e15,
    rejectedMax: 10,
    keyRule: rule,
    segmentSize: { keys: 4, spanMs: 1000 },
    ...options,
  });
}

/** Writes each in a row of its own, at its time. */
function writeRows(
  store: JournalStore,
  rows: readonly { readonly ids: readonly string[]; readonly atMs: number }[],
): void {
  for (const { ids, atMs } of rows) store.write([{ append: ids.map((id) => line(id)).join('\n') }], atMs);
}

function indexAll(store: JournalStore): void {
  while (store.index());
}

/** Restores from the journal's segments and the rows after them. */
function restored(): { readonly seen: SeenIds; readonly rowsRead: number } {
  const reader = openJournalReader(dir);
  const seen = new SeenIds();
  const segments = [...reader.keys(rule.version, 0)];
  seen.restore(segments);
  let rowsRead = 0;
  for (const { lines, atMs } of reader.scan({ direction: 'asc', fromRow: segments[0]?.lastRow ?? 0 })) {
    rowsRead += 1;
    for (const one of lines) for (const key of rule.keysOf(one)) seen.add(key, atMs);
  }
  reader.close();
  return { seen, rowsRead };
}

const idsFound = ({ event_id: id }: { readonly event_id: string }): string => id;

describe('segments of the journal', () => {
  test('give back all ids, with the rows after them, wherever rows were cut and whenever the journal stopped', () => {
    const row = fc.record({ count: fc.integer({ min: 1, max: 6 }), laterMs: fc.nat(600), indexed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 25 }), (rows) => {
        rmSync(join(dir, JOURNAL_FILE), { force: true });
        let store = open();
        const ids: string[] = [];
        let atMs = 0;
        for (const [number, { count, laterMs, indexed }] of rows.entries()) {
          atMs += laterMs;
          const own = Array.from({ length: count }, (_, index) => `${number}-${index}`);
          ids.push(...own);
          writeRows(store, [{ ids: own, atMs }]);
          if (indexed) indexAll(store);
          else if (number % 5 === 4) {
            store.close();
            store = open();
          }
        }
        store.close();
        const { seen } = restored();
        expect(ids.filter((id) => !seen.has(id))).toEqual([]);
        expect(seen.has('another')).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  test('leave at most one segment of rows to be read at a start, however many there are', () => {
    for (const count of [20, 200]) {
      const store = open();
      writeRows(
        store,
        Array.from({ length: count }, (_, number) => ({ ids: [`${count}-${number}`], atMs: 1 })),
      );
      indexAll(store);
      store.close();
      expect(restored().rowsRead).toBeLessThan(4);
    }
  });

  test('are made again if the rule of keys changes', () => {
    const store = open();
    writeRows(store, [{ ids: ['a', 'b', 'c', 'd'], atMs: 1 }]);
    indexAll(store);
    store.close();
    const later = open({ keyRule: { version: 4, keysOf: (one) => [`new ${rule.keysOf(one)[0]}`] } });
    const reader = openJournalReader(dir);
    expect([...reader.keys(4, 0)]).toEqual([]);
    indexAll(later);
    const seen = new SeenIds();
    seen.restore(reader.keys(4, 0));
    expect([seen.has('a'), seen.has('new a'), seen.size]).toEqual([false, true, 4]);
    reader.close();
    later.close();
  });

  test('from before the window are not read', () => {
    const store = open();
    writeRows(store, [
      { ids: ['a', 'b', 'c', 'd'], atMs: 1000 },
      { ids: ['e', 'f', 'g', 'h'], atMs: 9000 },
    ]);
    indexAll(store);
    const reader = openJournalReader(dir);
    expect([...reader.keys(rule.version, 5000)].map(({ firstMs }) => firstMs)).toEqual([9000]);
    reader.close();
    store.close();
  });

  test('are deleted with the last of their rows', () => {
    const store = open({ retentionMs: 1000 });
    writeRows(store, [{ ids: ['a', 'b', 'c', 'd'], atMs: 1000 }]);
    indexAll(store);
    store.write([{ cursor: { row: 2, index: 0 } }], 1000);
    store.write([{ append: line('late') }], 9000);
    const reader = openJournalReader(dir);
    expect([...reader.keys(rule.version, 0)]).toEqual([]);
    reader.close();
    store.close();
  });
});

describe('a scan of the journal', () => {
  const event = fc.record({ type: fc.constantFrom(...TYPES), laterMs: fc.nat(400) });
  const query = fc.record(
    {
      types: fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1 }),
      sinceMs: fc.nat(6000),
      untilMs: fc.nat(6000),
      fromRow: fc.nat(30),
    },
    { requiredKeys: [] },
  );

  test('finds what it would find without segments', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 30 }),
        query,
        fc.constantFrom('asc' as const, 'desc' as const),
        (events, wanted, direction) => {
          rmSync(join(dir, JOURNAL_FILE), { force: true });
          const store = open();
          let atMs = 0;
          const all = events.map(({ type, laterMs }, number) => {
            atMs += laterMs;
            store.write([{ append: line(`e${number}`, type) }], atMs);
            return { event_id: `e${number}`, type, atMs, row: number + 1 };
          });
          indexAll(store);
          store.close();
          const { types, sinceMs = 0, untilMs = Infinity, fromRow } = wanted;
          const expected = all.filter(
            (one) =>
              one.atMs >= sinceMs &&
              one.atMs <= untilMs &&
              (types?.includes(one.type) ?? true) &&
              (fromRow === undefined || (direction === 'asc' ? one.row > fromRow : one.row < fromRow)),
          );
          const reader = openJournalReader(dir);
          const found = [...reader.scan({ direction, ...wanted })].flatMap(({ lines }) =>
            lines.map((one) => JSON.parse(one)),
          );
          reader.close();
          expect(found.map(idsFound)).toEqual((direction === 'asc' ? expected : expected.toReversed()).map(idsFound));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('reads no segment without the wanted types', () => {
    const store = open();
    writeRows(store, [{ ids: ['a', 'b', 'c', 'd'], atMs: 1 }]);
    indexAll(store);
    store.close();
    const database = new DatabaseSync(join(dir, JOURNAL_FILE));
    database.exec("UPDATE segment SET types = 'user.login'");
    database.close();
    const reader = openJournalReader(dir);
    expect([...reader.scan({ direction: 'desc', types: ['view.page'] })]).toEqual([]);
    expect([...reader.scan({ direction: 'desc' })]).toHaveLength(1);
    reader.close();
  });

  test('reports after some bytes if it finds nothing, so that its caller may pause', () => {
    const store = open();
    const row = Array.from({ length: 400 }, (_, number) => line(`e${number}`, 'view.page')).join('\n');
    const rows = 40;
    for (let number = 0; number < rows; number += 1) store.write([{ append: row }], number);
    store.write([{ append: line('rare', 'user.login') }], rows);
    store.close();
    const reader = openJournalReader(dir);
    for (const wanted of [{ types: ['user.login'] }, { texts: ['"event_id":"rare"'] }]) {
      const found = [...reader.scan({ direction: 'asc', ...wanted })];
      const skipped = found.map(({ skippedBytes = 0 }) => skippedBytes);
      expect(found.flatMap(({ lines }) => lines)).toEqual([line('rare', 'user.login')]);
      expect(Math.max(...skipped)).toBeLessThan(256 * 1024);
      // Except those on the page of the match.
      expect(skipped.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(row.length * (rows - 10));
    }
    reader.close();
  });
});

describe('totals of the journal', () => {
  const sql = (text: string): void => {
    const database = new DatabaseSync(join(dir, JOURNAL_FILE));
    database.exec(text);
    database.close();
  };

  test('are trusted at opening, so that waiting events need not be read', () => {
    const store = open();
    writeRows(store, [{ ids: ['a', 'b'], atMs: 1 }]);
    const { bytes } = store.stats();
    store.close();
    sql('UPDATE totals SET bytes = bytes + 5');
    const later = open();
    expect(later.stats().bytes).toBe(bytes + 5);
    later.close();
  });

  test.each([
    ['there are none', 'DELETE FROM totals'],
    ['another version has written since', "INSERT INTO batch (at_ms, lines, bytes) VALUES (1, x'61', 1)"],
    ['another version has published since', 'UPDATE cursor SET row = 1, line = 1'],
  ])('are computed again if %s', (_why, change) => {
    const store = open();
    writeRows(store, [{ ids: ['a', 'b'], atMs: 1 }]);
    const { bytes } = store.stats();
    store.close();
    sql(`UPDATE totals SET bytes = 99; ${change}`);
    const later = open();
    expect(later.stats().bytes).toBe(bytes + (change.startsWith('INSERT') ? 1 : 0));
    later.close();
  });
});
