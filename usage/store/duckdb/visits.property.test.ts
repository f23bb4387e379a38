import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../../test/support/form.ts';
import { anyUsage } from '../../../test/support/usage/arbitrary.ts';
import { statsQuery } from '../../ask/question.ts';
import { answerStats } from '../../stats/answer.ts';
import type { StoredEvent } from '../columns.ts';
import type { UsageStore } from '../usage-store.ts';
import { openDuckdbStore } from './store.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 9, 5);

/** Events of several days, in batches in any order. Many users return, on the same day and on others. */
const batches = fc
  .tuple(anyUsage, fc.array(fc.nat(5), { minLength: 60, maxLength: 60 }))
  .map(([events, days]) =>
    events.map((event, nth) => ({ ...event, created: event.created + (days[nth] ?? 0) * DAY_MS })),
  )
  .chain((events) =>
    fc.tuple(fc.shuffledSubarray(events, { minLength: events.length }), fc.integer({ min: 1, max: 30 })),
  )
  .map(([events, size]) =>
    Array.from({ length: Math.ceil(events.length / size) }, (_, nth) => events.slice(nth * size, (nth + 1) * size)),
  );
const period = fc.tuple(fc.nat(7 * 24), fc.integer({ min: 1, max: 7 * 24 })).map(([fromHour, hours]) => ({
  fromMs: START_MS + fromHour * 3_600_000,
  toMs: START_MS + (fromHour + hours) * 3_600_000,
}));

async function visitorsOf(store: UsageStore, { fromMs, toMs }: { fromMs: number; toMs: number }): Promise<unknown> {
  const asked = { metric: 'views,visitors', from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  return (await answerStats(store, statsQuery.parse(asked), undefined)).totals['visitors'];
}

async function toldApart(store: UsageStore, of: { fromMs: number; toMs: number }): Promise<unknown> {
  const from = await store.verdicts({ period: of, zone: 'UTC', code: 'r51' });
  const [row] = await store.engine.query<{ n: number }>(
    `SELECT count(DISTINCT coalesce(user_key, session_base)) AS n FROM ${from} v
     WHERE reason = 'counted' AND event IN ('view.resource', 'view.download')`,
  );
  return row?.n;
}

const take = async (store: UsageStore, given: readonly (readonly StoredEvent[])[]): Promise<void> => {
  for (const batch of given) {
    await store.ingest(batch);
    // A question in between closes days of which a later batch also has events.
    await visitorsOf(store, { fromMs: START_MS, toMs: START_MS + DAY_MS });
  }
};

test('visitors of a period are its distinct visitors, in whatever order events come', async () => {
  await fc.assert(
    fc.asyncProperty(batches, period, async (given, of) => {
      const store = await openDuckdbStore();
      await take(store, given);
      expect(await visitorsOf(store, of)).toBe(await toldApart(store, of));
      await store.close();
    }),
    runs(30, 6),
  );
});

test('visitors of a period stay right after a month was dropped, a user forgotten, and facts computed again', async () => {
  await fc.assert(
    fc.asyncProperty(batches, period, async (given, of) => {
      const store = await openDuckdbStore();
      await take(store, given);
      await store.dropBefore(START_MS + 2 * DAY_MS);
      expect(await visitorsOf(store, of)).toBe(await toldApart(store, of));
      await store.forget('ana');
      expect(await visitorsOf(store, of)).toBe(await toldApart(store, of));
      await store.rebuild();
      expect(await visitorsOf(store, of)).toBe(await toldApart(store, of));
      await store.close();
    }),
    runs(20, 3),
  );
});
