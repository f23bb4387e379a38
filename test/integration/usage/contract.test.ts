import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDuckdbStore } from '../../../usage/store/duckdb/store.ts';
import { openPostgresStore } from '../../../usage/store/postgresql/store.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';
import { answerStats } from '../../../usage/stats/answer.ts';
import { DIMENSION_NAMES, METRIC_NAMES, METRICS, statsQuery, type Metric } from '../../../usage/ask/question.ts';
import { QuestionError, type StatsAnswer } from '../../../usage/ask/answer.ts';
import { form } from '../../support/form.ts';
import { startPostgres, type PostgresServer } from '../../support/postgresql.ts';
import { anyUsage } from '../../support/usage/arbitrary.ts';
import { CASES } from '../../support/usage/cases.ts';
import { countMonth, reasonsOf } from '../../support/usage/count.ts';

let server: PostgresServer;
let schemas = 0;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => server.stop());

async function openPostgres(): Promise<UsageStore> {
  schemas += 1;
  return openPostgresStore({ url: server.url(), schema: `usage_${schemas}`, statementTimeoutMs: 60_000 });
}

describe('the rules in PostgreSQL', () => {
  test.each(CASES)('$title', async ({ events, rd1, r51, reasons, ...asked }) => {
    const store = await openPostgres();
    await store.ingest(events);
    expect(await countMonth(store, asked, 'rd1')).toEqual(rd1);
    expect(await countMonth(store, asked, 'r51')).toEqual(r51);
    if (reasons !== undefined) expect(await reasonsOf(store, asked, 'r51')).toEqual(reasons);
    await store.close();
  });
});

/** A question of each metric by nothing, by each dimension that it knows, and by all of those at once. */
async function everyAnswer(store: UsageStore, zone: string): Promise<Record<string, StatsAnswer>> {
  const answers: Record<string, StatsAnswer> = {};
  const ask = async (metric: Metric, by: readonly string[]): Promise<boolean> => {
    const query = statsQuery.parse({ metric, by: by.join(','), from: '2026-10-04', to: '2026-10-06', time_zone: zone });
    try {
      answers[`${metric} by ${by.join(',')}`] = await answerStats(store, query, undefined);
      return true;
    } catch (error) {
      if (!(error instanceof QuestionError)) throw error;
      return false;
    }
  };
  for (const metric of METRIC_NAMES) {
    const known: string[] = [];
    for (const dimension of DIMENSION_NAMES) if (await ask(metric, [dimension])) known.push(dimension);
    await ask(metric, []);
    await ask(metric, known);
  }
  return answers;
}

test('every question has the same answer in both engines', { timeout: 600_000 }, async () => {
  const samples = fc.sample(anyUsage, { numRuns: form({ short: 2, long: 20 }), seed: 15 });
  for (const [index, events] of samples.entries()) {
    const [ours, other] = [await openDuckdbStore(), await openPostgres()];
    await ours.ingest(events);
    await other.ingest(events);
    expect(await other.contents()).toEqual(await ours.contents());
    const zone = index % 2 === 0 ? 'UTC' : 'America/Chicago';
    const answers = await everyAnswer(ours, zone);
    expect(Object.keys(answers).length).toBeGreaterThan(Object.keys(METRICS).length * 3);
    expect(await everyAnswer(other, zone)).toEqual(answers);
    await ours.close();
    await other.close();
  }
});
