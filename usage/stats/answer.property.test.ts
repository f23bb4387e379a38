import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../test/support/form.ts';
import { anyUsage } from '../../test/support/usage/arbitrary.ts';
import { checkParts } from '../../test/support/usage/parts.ts';
import { statsQuery } from '../ask/question.ts';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import { answerStats } from './answer.ts';

test('parts add up to the whole, and never exceed it, whatever divides the figures', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyUsage,
      fc.constantFrom('UTC', 'America/Chicago', 'Asia/Kathmandu'),
      fc.constantFrom(undefined, 1, 2),
      async (events, zone, top) => {
        const store = await openDuckdbStore();
        await store.ingest(events);
        await checkParts(store, zone, top);
        await store.close();
      },
    ),
    runs(40, 4),
  );
});

test('the classes of counted and uncounted events together are all events', async () => {
  await fc.assert(
    fc.asyncProperty(anyUsage, async (events) => {
      const store = await openDuckdbStore();
      await store.ingest(events);
      const query = statsQuery.parse({ metric: 'events', by: 'reason', from: '2026-10-04', to: '2026-10-06' });
      const { totals } = await answerStats(store, query, undefined);
      expect(totals).toEqual({ events: events.filter(({ event }) => !/^(?:extraction|health)\./.test(event)).length });
      await store.close();
    }),
    runs(100, 6),
  );
});
