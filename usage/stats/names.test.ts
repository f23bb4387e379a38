import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { page } from '../../test/support/usage/cases.ts';
import { fillNamed, NAMES, namesBy } from '../../test/support/usage/names.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';

let store: UsageStore;
beforeAll(async () => {
  store = await openDuckdbStore();
  await fillNamed(store);
});
afterAll(async () => store.close());

describe('names in statistics', () => {
  test.each(NAMES)('%s', async (_title, by, names) => {
    expect(await namesBy(store, by)).toEqual(names);
  });

  test('are those of the rows only, without the others and what a filter leaves out', async () => {
    // d1 has three views, all others one.
    expect(await namesBy(store, 'dataset', { top: '1' })).toEqual({ d1: 'Soil, 2nd edition' });
    expect(await namesBy(store, 'dataset', { dataset: 'd3' })).toEqual({ d3: 'Air' });
    expect(await namesBy(store, 'dataset', { dataset: 'none' })).toEqual({});
  });

  test('are also given for what was used only in the period before', async () => {
    // November has only d1. The name of d2 in September belongs to neither month.
    expect(await namesBy(store, 'dataset', { from: '2026-11', to: '2026-11', compare: 'before' })).toEqual({
      d1: 'Soil, 2nd edition',
      d2: 'Water',
      d3: 'Air',
    });
  });

  test('are left out unless requested', async () => {
    expect(await namesBy(store, 'dataset,user', {}, false)).toBeUndefined();
  });

  test('of a forgotten user are gone', async () => {
    const other = await openDuckdbStore();
    await other.ingest([page('10:00:00', { user_id: 'eva', user_name: 'Eva' })]);
    expect(await namesBy(other, 'user')).toEqual({ eva: 'Eva' });
    await other.forget('eva');
    expect(await namesBy(other, 'user')).toEqual({});
    await other.close();
  });

  test('may be any text, for ids that are any text', async () => {
    const other = await openDuckdbStore();
    const names = { "it's": "'; DROP TABLE events; --", __proto__x: '名前 🙂', constructor: '<b>', '(others': '=1+1' };
    await other.ingest(Object.entries(names).map(([id, resource_name]) => page('10:00:00', { resource_name }, id)));
    expect(await namesBy(other, 'dataset')).toEqual(names);
    await other.close();
  });
});
