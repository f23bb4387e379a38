import { describe, expect, test } from 'vitest';
import { CASES } from '../../test/support/usage/cases.ts';
import { countMonth, reasonsOf } from '../../test/support/usage/count.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';

describe('the rules in DuckDB', () => {
  test.each(CASES)('$title', async ({ events, rd1, r51, reasons, ...asked }) => {
    const store = await openDuckdbStore();
    await store.ingest(events);
    expect(await countMonth(store, asked, 'rd1')).toEqual(rd1);
    expect(await countMonth(store, asked, 'r51')).toEqual(r51);
    if (reasons !== undefined) expect(await reasonsOf(store, asked, 'r51')).toEqual(reasons);
    await store.close();
  });
});
