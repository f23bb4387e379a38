import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../../test/support/form.ts';
import { batches, partOfDays, START_MS } from '../../../test/support/usage/batches.ts';
import { statsQuery } from '../../ask/question.ts';
import type { Period } from '../../rules/dialect.ts';
import { DAY_MS } from '../../rules/time-zone.ts';
import { answerStats } from '../../stats/answer.ts';
import type { StoredEvent } from '../columns.ts';
import type { UsageStore } from '../usage-store.ts';
import { openDuckdbStore } from './store.ts';

/** All clients, or one class of them; nobody has the last one. */
const anyClient = fc.constantFrom(undefined, 'browser', 'tool', 'program', 'unheard-of');

async function visitorsOf(store: UsageStore, { fromMs, toMs }: Period, client?: string): Promise<unknown> {
  const asked = { metric: 'views,visitors', from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), client }; // prettier-ignore
  return (await answerStats(store, statsQuery.parse(asked), undefined)).totals['visitors'];
}

async function toldApart(store: UsageStore, of: Period, client?: string): Promise<unknown> {
  const from = await store.verdicts({ period: of, zone: 'UTC', code: 'r51' });
  const [row] = await store.engine.query<{ n: number }>(
    `SELECT count(DISTINCT coalesce(user_key, session_base)) AS n FROM ${from} v
     WHERE reason = 'counted' AND event IN ('view.resource', 'view.download')${client === undefined ? '' : ` AND CAST(client AS VARCHAR) = '${client}'`}`,
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
    fc.asyncProperty(batches, partOfDays, anyClient, async (given, of, client) => {
      const store = await openDuckdbStore();
      await take(store, given);
      expect(await visitorsOf(store, of, client)).toBe(await toldApart(store, of, client));
      await store.close();
    }),
    runs(30, 6),
  );
});

test('visitors of a period stay right after a month was dropped, a user forgotten, and facts computed again', async () => {
  await fc.assert(
    fc.asyncProperty(batches, partOfDays, anyClient, async (given, of, client) => {
      const store = await openDuckdbStore();
      await take(store, given);
      await store.dropBefore(START_MS + 2 * DAY_MS);
      expect(await visitorsOf(store, of, client)).toBe(await toldApart(store, of, client));
      await store.forget('ana');
      expect(await visitorsOf(store, of, client)).toBe(await toldApart(store, of, client));
      await store.rebuild();
      expect(await visitorsOf(store, of, client)).toBe(await toldApart(store, of, client));
      await store.close();
    }),
    runs(20, 3),
  );
});
