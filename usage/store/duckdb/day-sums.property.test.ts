import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../../test/support/form.ts';
import { batches, partOfDays, START_MS } from '../../../test/support/usage/batches.ts';
import { answersOf, factsAlone, question, type Question } from '../../../test/support/usage/sums.ts';
import type { Period } from '../../rules/dialect.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import type { UsageStore } from '../usage-store.ts';
import { openDuckdbStore } from './store.ts';

async function check(store: UsageStore, period: Period, asked: Question): Promise<void> {
  expect(await answersOf(store, period, asked)).toEqual(await answersOf(factsAlone(store), period, asked));
}

test('sums of days give the figures that the facts give, whatever came late, was let go of, forgotten or worked out anew', async () => {
  await fc.assert(
    fc.asyncProperty(batches, partOfDays, question, async (given, period, asked) => {
      const store = await openDuckdbStore();
      for (const batch of given) {
        await store.ingest(batch);
        // Whoever asks in between has days summed up that a later batch is of, too.
        await answersOf(store, period, asked);
      }
      await check(store, period, asked);
      // In the middle of a day, too.
      await store.dropBefore(START_MS + 1.5 * DAY_MS);
      await check(store, period, asked);
      await store.place({ files: [['f3', 'd3']], datasets: [{ dataset: 'd1', space: 's1' }] });
      await check(store, period, asked);
      await store.forget('ana');
      await check(store, period, asked);
      await store.rebuild();
      await check(store, period, asked);
      await store.close();
    }),
    runs(60, 10),
  );
});
