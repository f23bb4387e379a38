import { expect, test } from 'vitest';
import { START_MS } from '../../../test/support/usage/batches.ts';
import { answersOf, factsAlone } from '../../../test/support/usage/sums.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import type { StoredEvent } from '../columns.ts';
import { openDuckdbStore } from './store.ts';

test('what is alike on a day is one row, and a question about it reads no facts', async () => {
  const store = await openDuckdbStore();
  const look = (nth: number): StoredEvent => ({
    event_id: `e${nth}`,
    created: START_MS + nth * 60_000,
    event: 'view.resource',
    client_kind: 'browser',
    user_id: `user-${nth}`,
    resource_type: 'dataset',
    resource_id: `d${nth}`,
  });
  await store.ingest(Array.from({ length: 100 }, (_, nth) => look(nth)));
  const asked = { by: 'type', filters: {}, time_zone: 'America/Chicago', top: undefined };
  const days = { fromMs: START_MS, toMs: START_MS + DAY_MS };
  expect((await answersOf(store, days, asked)).totals).toMatchObject({ views: 100 });
  expect(await store.engine.query('SELECT event, n FROM day_sums')).toEqual([{ event: 'view.resource', n: 100 }]);
  await store.engine.run('DELETE FROM facts');
  expect((await answersOf(store, days, asked)).totals).toMatchObject({ views: 100 });
  expect((await answersOf(factsAlone(store), days, asked)).totals).toMatchObject({ views: 0 });
  await store.close();
});
