import fc from 'fast-check';
import type { StatsAnswer } from '../../../usage/ask/answer.ts';
import { METRIC_NAMES, statsQuery } from '../../../usage/ask/question.ts';
import type { Period } from '../../../usage/rules/dialect.ts';
import { answerStats } from '../../../usage/stats/answer.ts';
import { METRIC_RULES } from '../../../usage/stats/vocabulary.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';

const ADD_UP = METRIC_NAMES.filter((metric) => METRIC_RULES[metric].sum !== undefined).join();

/** Every way to divide by what sums of days know, and one that they do not; and filters of both kinds. */
const BY = [
  '', 'day', 'month', 'hour', 'type', 'client', 'reason', 'behaviour', 'attribution', 'resource_type', 'content_type', 'country',
  'type,client,reason', 'day,content_type', 'dataset', 'dataset,client',
]; // prettier-ignore
const FILTERS = [{}, { client: 'browser' }, { reason: 'counted,bot' }, { content_type: 'text/csv,(none)' }, { dataset: 'd1' }]; // prettier-ignore
const ZONES = ['UTC', 'America/Chicago', 'Asia/Kathmandu', 'Africa/Abidjan'];

/** A question about what adds up. */
export const question = fc.record({
  by: fc.constantFrom(...BY),
  filters: fc.constantFrom(...FILTERS),
  time_zone: fc.constantFrom(...ZONES),
  top: fc.constantFrom(undefined, '1', '2'),
});
export type Question = typeof question extends fc.Arbitrary<infer Of> ? Of : never;

/** The same store, read without its sums of days. */
export function factsAlone(store: UsageStore): UsageStore {
  const { daySums: _, ...dialect } = store.engine.dialect;
  const engine = { dialect, query: (sql: string) => store.engine.query(sql) } as UsageStore['engine'];
  return { ...store, engine, verdicts: (options) => store.verdicts(options) };
}

export async function answersOf(
  store: UsageStore,
  { fromMs, toMs }: Period,
  { filters, ...asked }: Question,
): Promise<Pick<StatsAnswer, 'rows' | 'totals'>> {
  const period = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
  const query = statsQuery.parse({ metric: ADD_UP, ...period, ...asked, ...filters, top: asked.by === '' ? undefined : asked.top }); // prettier-ignore
  const { rows, totals } = await answerStats(store, query, undefined);
  return { rows, totals };
}
