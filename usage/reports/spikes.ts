import { COUNTER_METRICS, type CounterMetric } from '../rules/metrics.ts';
import { sumOf, type Figure } from './figures.ts';
import { monthAfter } from './request.ts';

/** A month of a dataset so far above the months before that somebody should look at it. */
export interface Spike {
  readonly dataset: string;
  readonly month: string;
  readonly metric: CounterMetric;
  readonly count: number;
  /** Mean of the twelve months before. */
  readonly mean: number;
}

export const MONTHS_BEFORE = 12;
const TIMES = 3;
const BEYOND = 100;

/**
 * Months above three times the mean of the twelve before plus 100, by metric.
 *
 * @param figures of the months, and of the twelve before the first
 */
export function spikesOf(figures: readonly Figure[], months: readonly string[]): readonly Spike[] {
  return [...Map.groupBy(figures, ({ dataset }) => dataset)].flatMap(([dataset, own]) => {
    const byMonth = new Map([...Map.groupBy(own, ({ month }) => month)].map(([month, rows]) => [month, sumOf(rows)]));
    const countIn = (month: string, metric: CounterMetric): number => byMonth.get(month)?.[metric] ?? 0;
    return months.flatMap((month) =>
      COUNTER_METRICS.flatMap((metric) => {
        const before = Array.from({ length: MONTHS_BEFORE }, (_, index) =>
          countIn(monthAfter(month, -index - 1), metric),
        );
        const mean = before.reduce((sum, count) => sum + count, 0) / MONTHS_BEFORE;
        const count = countIn(month, metric);
        return count > TIMES * mean + BEYOND ? [{ dataset, month, metric, count, mean }] : [];
      }),
    );
  });
}

/** The spike in a sentence. */
export const spikeText = ({ dataset, month, metric, count, mean }: Spike): string =>
  `${dataset} has ${count} ${metric.replace('_', ' ')} in ${month}, and ${Math.round(mean)} a month in the twelve before: check who asked before you publish it`;
