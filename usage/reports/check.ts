import { COUNTER_METRICS, type CounterMetric } from '../rules/metrics.ts';
import { ReportError } from './errors.ts';
import { sumOf, type Counts, type Figures } from './figures.ts';

/** Pairs whose first metric is never less than the second. */
const NEVER_LESS: readonly (readonly [CounterMetric, CounterMetric])[] = [
  ['total_investigations', 'unique_investigations'],
  ['total_requests', 'unique_requests'],
  ['total_investigations', 'total_requests'],
  ['unique_investigations', 'unique_requests'],
];

/**
 * Checks that figures are possible: totals are at least uniques, investigations at least requests, none is negative, and the
 * datasets add up to the site.
 *
 * @throws ReportError inconsistent
 */
export function checkFigures({ rows, totals }: Figures): void {
  for (const row of rows) checkCounts(row, `dataset ${row.dataset} in ${row.month} (${row.access})`);
  for (const total of totals) {
    const where = `the site in ${total.month} (${total.access})`;
    checkCounts(total, where);
    const parts = sumOf(rows.filter(({ month, access }) => month === total.month && access === total.access));
    for (const metric of COUNTER_METRICS)
      if (parts[metric] !== total[metric])
        throw impossible(`${where} has ${metric} ${total[metric]}, its datasets together ${parts[metric]}`);
  }
}

function checkCounts(counts: Counts, where: string): void {
  for (const metric of COUNTER_METRICS)
    if (!Number.isSafeInteger(counts[metric]) || counts[metric] < 0)
      throw impossible(`${where} has ${metric} ${counts[metric]}`);
  for (const [more, less] of NEVER_LESS)
    if (counts[more] < counts[less])
      throw impossible(`${where} has ${more} ${counts[more]}, fewer than ${less} ${counts[less]}`);
}

const impossible = (what: string): ReportError =>
  new ReportError(
    'inconsistent',
    `No report was written, because its figures cannot be true: ${what}. Please report this bug`,
  );
