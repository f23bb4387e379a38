import { expect } from 'vitest';
import { METRIC_NAMES, DIMENSION_NAMES, statsQuery, type Metric } from '../../../usage/ask/question.ts';
import { QuestionError } from '../../../usage/ask/answer.ts';
import { answerStats } from '../../../usage/stats/answer.ts';
import { METRIC_RULES } from '../../../usage/stats/vocabulary.ts';
import type { UsageStore } from '../../../usage/store/usage-store.ts';

const UNIQUE: ReadonlySet<string> = new Set(['unique_investigations', 'unique_requests', 'visitors']);
const isFigureOfAll = (metric: Metric): boolean => /_p\d+$|_percent$/.test(metric);
const PERIOD = { from: '2026-10-04', to: '2026-10-06' };

/**
 * For every dimension, the parts of a total add up to it. A part's unique figure is at most the whole's, and all parts'
 * together are at least that. The same holds with `top`, where the others form one row.
 */
export async function checkParts(store: UsageStore, zone: string, top?: number): Promise<void> {
  for (const source of ['facts', 'jobs', 'readings'] as const) {
    const metrics = METRIC_NAMES.filter((name) => METRIC_RULES[name].source === source && !isFigureOfAll(name));
    if (metrics.length === 0) continue;
    const asked = {
      ...PERIOD,
      metric: metrics.join(','),
      time_zone: zone,
      ...(top !== undefined && { top: String(top) }),
    };
    for (const by of DIMENSION_NAMES) {
      const { totals, rows } = await answerStats(store, statsQuery.parse({ ...asked, by }), undefined).catch(none);
      if (totals === undefined) continue;
      if (top !== undefined) expect(rows.length).toBeLessThanOrEqual(top + 1);
      for (const metric of metrics) {
        const whole = Number(totals[metric]);
        const parts = rows.map((row) => Number(row[metric]));
        const sum = parts.reduce((one, other) => one + other, 0);
        const addsUp = UNIQUE.has(metric) ? sum >= whole : sum === whole;
        const isWithin = parts.every((part) => part <= whole);
        expect({ metric, by, whole, parts, addsUp, isWithin }).toMatchObject({ addsUp: true, isWithin: true });
      }
      if (source === 'facts' && by !== 'reason') checkOrder([totals, ...rows]);
    }
  }
}

/** Uniques are at most their totals, requests at most investigations. */
function checkOrder(rows: readonly Readonly<Record<string, string | number | null>>[]): void {
  for (const row of rows) {
    const of = (metric: Metric): number => Number(row[metric]);
    expect(of('unique_investigations')).toBeLessThanOrEqual(of('investigations'));
    expect(of('unique_requests')).toBeLessThanOrEqual(of('requests'));
    expect(of('requests')).toBeLessThanOrEqual(of('investigations'));
    expect(of('unique_requests')).toBeLessThanOrEqual(of('unique_investigations'));
  }
}

/** Skips dimensions that the metrics do not have. */
function none(error: unknown): { totals?: undefined; rows: readonly never[] } {
  if (error instanceof QuestionError) return { rows: [] };
  throw error;
}
