import { periodBefore, periodOf } from '../stats/period.ts';
import { QuestionError } from './answer.ts';
import { DIMENSION_NAMES, NONE, type Dimension, type Metric, type StatsQuery } from './question.ts';

/** What whoever has a share link may see. */
export interface ShareLimits {
  readonly metrics: readonly Metric[];
  /** Ids; all datasets where it is left out. */
  readonly datasets?: readonly string[] | undefined;
  /** Month or day; the days are those of the time zone that is asked for. */
  readonly from: string;
  readonly to: string;
}

/** What tells nothing of single people, hosts and resources beside the datasets. */
export const SHARED_DIMENSIONS = [
  'hour', 'day', 'month', 'type', 'client', 'reason', 'behaviour', 'resource_type', 'dataset', 'attribution', 'content_type', 'country',
] as const satisfies readonly Dimension[]; // prettier-ignore
const SHARED: ReadonlySet<Dimension> = new Set(SHARED_DIMENSIONS);

/**
 * The question as a share link lets it be asked: with its datasets as filter.
 *
 * @throws QuestionError forbidden where it asks for more than the link shows
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
