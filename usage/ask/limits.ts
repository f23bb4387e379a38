import { periodBefore, periodOf } from '../stats/period.ts';
import { QuestionError } from './answer.ts';
import { DIMENSION_NAMES, NONE, type Dimension, type Metric, type StatsQuery } from './question.ts';

/** What a share link shows. */
export interface ShareLimits {
  readonly metrics: readonly Metric[];
  /** Ids; all datasets if left out. */
  readonly datasets?: readonly string[] | undefined;
  /** Month or day, in the time zone of the question. */
  readonly from: string;
  readonly to: string;
}

/** Dimensions that reveal no single person, host or resource other than datasets. */
export const SHARED_DIMENSIONS = [
  'hour', 'day', 'month', 'type', 'client', 'reason', 'behaviour', 'resource_type', 'dataset', 'attribution', 'content_type', 'country',
] as const satisfies readonly Dimension[]; // prettier-ignore
const SHARED: ReadonlySet<Dimension> = new Set(SHARED_DIMENSIONS);

/**
 * The question within a share link's limits: with the link's datasets as filter.
 *
 * @throws QuestionError forbidden if it asks for more than the link shows
 */
export function withinLimits(query: StatsQuery, limits: ShareLimits): StatsQuery {
  const more = query.metric.filter((metric) => !limits.metrics.includes(metric));
  if (more.length > 0) throw beyond(`${limits.metrics.join(', ')}, and not ${more.join(', ')}`);
  const asked = [...query.by, ...DIMENSION_NAMES.filter((name) => query[name as keyof StatsQuery] !== undefined)];
  const hidden = asked.filter((dimension) => !SHARED.has(dimension));
  if (hidden.length > 0) throw beyond(`figures by ${SHARED_DIMENSIONS.join(', ')}, and not by ${hidden.join(', ')}`);
  checkPeriod(query, limits);
  return limits.datasets === undefined ? query : { ...query, dataset: datasetsOf(query, limits.datasets).join(',') };
}

function checkPeriod({ from, to, compare, time_zone: zone }: StatsQuery, limits: ShareLimits): void {
  const shown = periodOf(limits.from, limits.to, zone);
  const periods = [periodOf(from, to, zone), ...(compare === undefined ? [] : [periodBefore(from, to, zone)])];
  if (periods.some(({ fromMs, toMs }) => fromMs < shown.fromMs || toMs > shown.toMs))
    throw beyond(`what happened from ${limits.from} to ${limits.to}${compare === undefined ? '' : ', the period before included'}`); // prettier-ignore
}

function datasetsOf({ dataset }: StatsQuery, shown: readonly string[]): readonly string[] {
  if (dataset === undefined) return shown;
  const asked = dataset.split(',');
  if (asked.some((id) => id === NONE || !shown.includes(id))) throw beyond(`the datasets ${shown.join(', ')} alone`);
  return asked;
}

const beyond = (what: string): QuestionError => new QuestionError('forbidden', `This link shows ${what}`);
