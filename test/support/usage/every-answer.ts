import { QuestionError, type StatsAnswer } from '../../../usage/ask/answer.ts';
import { DIMENSION_NAMES, METRIC_NAMES, statsQuery, type Metric } from '../../../usage/ask/question.ts';
import { answerStats } from '../../../usage/stats/answer.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';

/** Of what is asked; the days around `anyUsage` where it is left out. */
interface Asked {
  readonly zone: string;
  readonly from?: string;
  readonly to?: string;
}

/** Asks each metric by nothing, by each dimension that it supports, and by all of them at once. */
export async function everyAnswer(
  store: UsageStore,
  { zone, from = '2026-10-04', to = '2026-10-06' }: Asked,
): Promise<Record<string, StatsAnswer>> {
  const answers: Record<string, StatsAnswer> = {};
  const ask = async (metric: Metric, by: readonly string[]): Promise<boolean> => {
    const query = statsQuery.parse({ metric, by: by.join(','), from, to, time_zone: zone });
    try {
      answers[`${metric} by ${by.join(',')}`] = await answerStats(store, query, undefined, { named: true });
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
