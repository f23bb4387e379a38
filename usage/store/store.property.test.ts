import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../test/support/form.ts';
import { anyUsage } from '../../test/support/usage/arbitrary.ts';
import { CODES, type Code } from '../rules/access.ts';
import { counterSql, type CounterMetric } from '../rules/metrics.ts';
import { openDuckdbStore } from './duckdb/store.ts';
import type { StoredEvent } from './columns.ts';
import type { UsageStore } from './usage-store.ts';

const PERIOD = { fromMs: Date.UTC(2026, 9, 5), toMs: Date.UTC(2026, 9, 6) };
const ZONE = 'America/Chicago';

const verdicts = async (store: UsageStore, code: Code): Promise<string> =>
  store.verdicts({ period: PERIOD, zone: ZONE, code });

/** All that a store says about the day: each verdict, and the metrics of each dataset. */
async function figuresOf(store: UsageStore): Promise<unknown> {
  const figures: unknown[] = [];
  for (const code of CODES) {
    const from = await verdicts(store, code);
    figures.push(
      await store.engine.query(
        `SELECT event_id, reason, access, client, client_reason, dataset_id, attribution, session FROM ${from} v ORDER BY event_id`,
      ),
      await store.engine.query(counterSql(from, { dataset: 'dataset_id', access: 'access' })),
    );
  }
  return figures;
}

async function withStore<T>(
  batches: readonly (readonly StoredEvent[])[],
  work: (store: UsageStore) => Promise<T>,
): Promise<T> {
  const store = await openDuckdbStore();
  for (const batch of batches) {
    await store.ingest(batch);
    // A question in between computes facts that the next batch may change.
    await verdicts(store, 'r51');
  }
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The same events in another order, in several batches, some of them repeated. */
const comesOtherwise = anyUsage.chain((events) =>
  fc.record({
    events: fc.constant(events),
    shuffled: fc.shuffledSubarray([...events], { minLength: events.length }),
    again: fc.subarray([...events]),
    size: fc.integer({ min: 1, max: 40 }),
  }),
);

describe('figures', () => {
  test('do not depend on the order of events, on batches, or on repetition', async () => {
    await fc.assert(
      fc.asyncProperty(comesOtherwise, async ({ events, shuffled, again, size }) => {
        const all = [...shuffled, ...again];
        const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
          all.slice(index * size, (index + 1) * size),
        );
        const expected = await withStore([events], figuresOf);
        expect(await withStore(batches, figuresOf)).toEqual(expected);
      }),
      runs(200, 8),
    );
  });

  test('of parts never exceed those of the whole, and uniques never exceed totals', async () => {
    await fc.assert(
      fc.asyncProperty(anyUsage, fc.constantFrom(...CODES), async (events, code) => {
        await withStore([events], async (store) => {
          const from = await verdicts(store, code);
          const ask = (by: Record<string, string>) =>
            store.engine.query<Record<CounterMetric, number>>(counterSql(from, by));
          const whole = (await ask({}))[0] ?? fail();
          for (const by of [{ dataset: 'dataset_id' }, { access: 'access' }, { client: 'client' }, { type: 'event' }]) {
            const parts = await ask(by);
            for (const part of [whole, ...parts]) {
              expect(part.unique_investigations).toBeLessThanOrEqual(part.total_investigations);
              expect(part.unique_requests).toBeLessThanOrEqual(part.total_requests);
              expect(part.total_requests).toBeLessThanOrEqual(part.total_investigations);
              expect(part.unique_requests).toBeLessThanOrEqual(part.unique_investigations);
              expect(part.unique_investigations).toBeLessThanOrEqual(whole.unique_investigations);
              expect(part.unique_requests).toBeLessThanOrEqual(whole.unique_requests);
            }
            for (const total of ['total_investigations', 'total_requests'] as const)
              expect(parts.reduce((sum, part) => sum + part[total], 0)).toBe(whole[total]);
          }
        });
      }),
      runs(200, 8),
    );
  });

  test('give every event of people and programs one reason, and the reasons add up to all of them', async () => {
    await fc.assert(
      fc.asyncProperty(anyUsage, async (events) => {
        const used = events.filter(({ event }) => !/^(?:extraction|health)\./.test(event));
        await withStore([events], async (store) => {
          const rows = await store.engine.query<{ n: number }>(
            `SELECT reason, count(*) AS n FROM ${await verdicts(store, 'r51')} v GROUP BY reason`,
          );
          expect(rows.reduce((sum, { n }) => sum + n, 0)).toBe(used.length);
        });
      }),
      runs(100, 6),
    );
  });
});

function fail(): never {
  throw new Error('a sum has a row');
}
