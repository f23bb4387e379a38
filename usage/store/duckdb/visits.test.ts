import { expect, test } from 'vitest';
import { START_MS } from '../../../test/support/usage/batches.ts';
import { statsQuery } from '../../ask/question.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import { answerStats } from '../../stats/answer.ts';
import type { StoredEvent } from '../columns.ts';
import { openDuckdbStore } from './store.ts';

test('past days are linked, and the current one is not', async () => {
  const store = await openDuckdbStore();
  const look = (day: number, id: string): StoredEvent => ({
    event_id: id,
    created: START_MS + day * DAY_MS,
    event: 'view.resource',
    source: 'proxy',
    client_kind: 'browser',
    user_id: 'ana',
    resource_type: 'dataset',
    resource_id: 'd1',
  });
  const ask = async (): Promise<void> => {
    const asked = {
      metric: 'visitors',
      from: new Date(START_MS).toISOString(),
      to: new Date(START_MS + DAY_MS).toISOString(),
    };
    await answerStats(store, statsQuery.parse(asked), undefined);
  };
  for (const event of [look(0, 'a'), look(3, 'd'), look(1, 'b')]) {
    await store.ingest([event]);
    // A question in between closes days of which a later batch also has events.
    await ask();
  }
  const [at, later] = [START_MS, START_MS + DAY_MS];
  expect(await store.engine.query('SELECT event_id, prev_visit_ms AS before FROM facts ORDER BY created')).toEqual([
    { event_id: 'a', before: -1 },
    { event_id: 'b', before: at },
    { event_id: 'd', before: later },
  ]);
  expect(await store.engine.query('SELECT day FROM open_days')).toEqual([{ day: START_MS / DAY_MS + 3 }]);
  await store.close();
});
