import { QuestionError, type StatsAnswer } from '../ask/answer.ts';
import {
  DIMENSION_NAMES,
  NONE,
  TIME_DIMENSIONS,
  type Dimension,
  type Metric,
  type StatsQuery,
} from '../ask/question.ts';
import type { Period } from '../rules/dialect.ts';
import { offsetsOf } from '../rules/time-zone.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { namesOf } from './names.ts';
import { periodBefore, periodOf } from './period.ts';
import { relationOf, type Source } from './sources.ts';
import { knows, OTHERS, selectSql, sumSql, type Selection, type Summed } from './sql.ts';
import { DIMENSION_RULES, METRIC_RULES } from './vocabulary.ts';

type Figures = Record<string, number | null>;
type Row = Record<string, string | number | null>;
type Filters = Partial<Record<Dimension, readonly string[]>>;

/** Most rows in one answer; larger questions are for `usage export`. */
const MOST_ROWS = 100_000;

/**
 * Answers a question from the store.
 *
 * @param countedUntilMs the store holds everything accepted until then
 * @param options.named whether to add names to ids, for those who may read events @default false
 * @throws QuestionError invalid_query if the question has no answer
 */
export async function answerStats(
  store: UsageStore,
  query: StatsQuery,
  countedUntilMs: number | undefined,
  { named = false }: { readonly named?: boolean } = {},
): Promise<StatsAnswer> {
  const zone = query.time_zone;
  const period = periodOf(query.from, query.to, zone);
  const filters = filtersOf(query);
  checkDimensions(store, query, filters);
  const now = await figuresIn(store, query, filters, period);
  const answer = {
    period: iso(period),
    time_zone: zone,
    counted_until: countedUntilMs === undefined ? null : new Date(countedUntilMs).toISOString(),
    totals: now.totals,
  };
  const withNames = async (rows: Row[]): Promise<StatsAnswer> => {
    const names = named ? await namesOf(store, query.by, rows) : undefined;
    return { ...answer, rows, ...(names !== undefined && { names }) };
  };
  if (query.compare === undefined) return withNames(now.rows);
  const earlier = periodBefore(query.from, query.to, zone);
  const before = await figuresIn(store, query, filters, earlier, now.top);
  return {
    ...(await withNames(compared(query, now.rows, before.rows))),
    before: { period: iso(earlier), totals: before.totals },
  };
}

interface Found {
  readonly rows: Row[];
  readonly totals: Figures;
  readonly top?: readonly (string | null)[];
}

async function figuresIn(
  store: UsageStore,
  { metric: metrics, by, top, time_zone: zone }: StatsQuery,
  filters: Filters,
  period: Period,
  sameTop?: readonly (string | null)[],
): Promise<Found> {
  const totals: Figures = {};
  const rows = new Map<string, Row>();
  let chosen = sameTop;
  for (const part of partsOf(metrics)) {
    const relation = await relationOf(part.source, store, period, zone);
    const summed = part.addsUp ? summedOf(store, relation, period, zone) : undefined;
    const asked = { ...part, by, top, chosen, summed, fromMs: period.fromMs, filters: ownFilters(store, part.source, filters) }; // prettier-ignore
    const found = await (part.addsUp ? sumsOf : distinctOf)(store, relation, asked);
    Object.assign(totals, found.totals);
    chosen ??= found.top;
    for (const row of found.rows) {
      const key = keyOf(by, row);
      rows.set(key, { ...rows.get(key), ...row });
    }
  }
  if (rows.size > MOST_ROWS)
    throw new QuestionError(
      'invalid_query',
      `The answer has ${rows.size} rows, more than ${MOST_ROWS}: ask for a shorter period, or with top`,
    );
  const some = [...rows.values()].filter((row) =>
    metrics.some((metric) => (row[metric] ?? emptyOf(metric)) !== emptyOf(metric)),
  );
  return { rows: ordered(some, by, metrics), totals, ...(chosen !== undefined && { top: chosen }) };
}

/** The facts of a period, those of whole days summed up; what adds up is of facts alone. */
function summedOf(
  { engine: { dialect } }: UsageStore,
  relation: string,
  period: Period,
  zone: string,
): Summed | undefined {
  const { daySums } = dialect;
  const summed = daySums?.relation(relation, period);
  if (daySums === undefined || summed === undefined) return undefined;
  const isUtc = offsetsOf(zone, period.fromMs, period.toMs).every(({ offsetMs }) => offsetMs === 0);
  const days = DIMENSION_RULES.day(dialect).facts?.key ?? '';
  return { relation: summed, columns: [...daySums.columns, ...(isUtc ? [days] : [])] };
}

/** Metrics that one query asks for together. */
interface Part {
  readonly source: Source;
  readonly addsUp: boolean;
  readonly metrics: readonly Metric[];
}

/** The first metric is in the first part: it decides which values are at the top. */
function partsOf(metrics: readonly Metric[]): readonly Part[] {
  const parts = Map.groupBy(metrics, (metric) => `${METRIC_RULES[metric].source} ${addsUp(metric)}`);
  return [...parts.values()].flatMap((own) => {
    const [first] = own;
    return first === undefined ? [] : [{ source: METRIC_RULES[first].source, addsUp: addsUp(first), metrics: own }];
  });
}

const addsUp = (metric: Metric): boolean => METRIC_RULES[metric].sum !== undefined;

interface PartAsked {
  readonly source: Source;
  readonly metrics: readonly Metric[];
  readonly by: readonly Dimension[];
  readonly filters: Filters;
  readonly fromMs: number;
  readonly summed: Summed | undefined;
  readonly top: number | undefined;
  /** The values at the top, if already known. */
  readonly chosen: readonly (string | null)[] | undefined;
}

/** Figures that add up: the totals are the sums of the rows, and "others" is the rest. */
async function sumsOf(store: UsageStore, relation: string, asked: PartAsked): Promise<Found> {
  const { source, metrics, by, filters, top, chosen, summed } = asked;
  const { dialect } = store.engine;
  const query = async (selection: Pick<Selection, 'by' | 'top'>, most?: number): Promise<readonly Row[]> =>
    store.engine.query<Row>(sumSql(dialect, relation, { source, metrics, filters, summed, ...selection }, most));
  const [first] = by;
  if (first === undefined) return { rows: [], totals: (await query({ by }))[0] as Figures };
  if (top === undefined || chosen !== undefined) {
    const rows = await query({ by, ...(chosen !== undefined && { top: chosen }) });
    return { rows: [...rows], totals: totalOf(rows, metrics), ...(chosen !== undefined && { top: chosen }) };
  }
  if (by.length > 1 || DIMENSION_RULES[first](dialect)[source]?.text !== undefined) {
    const most = topOf(await query({ by: [first] }), first, metrics, top);
    return sumsOf(store, relation, { ...asked, chosen: most });
  }
  const ranked = await query({ by }, top);
  const most = topOf(ranked, first, metrics, top);
  const rows = ranked
    .filter((row) => most.includes(row[first] as string | null))
    .map((row) => pick(row, [first, ...metrics]));
  const totals = Object.fromEntries(metrics.map((metric) => [metric, Number(ranked[0]?.[`total_${metric}`] ?? 0)]));
  const shown = totalOf(rows, metrics);
  const others = Object.fromEntries(metrics.map((metric) => [metric, Number(totals[metric]) - Number(shown[metric])]));
  return { rows: [...rows, { [first]: OTHERS, ...others }], totals, top: most };
}

const pick = (row: Row, names: readonly string[]): Row =>
  Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
const totalOf = (rows: readonly Row[], metrics: readonly Metric[]): Figures =>
  Object.fromEntries(metrics.map((metric) => [metric, rows.reduce((sum, row) => sum + Number(row[metric]), 0)]));

/** Figures that do not add up: rows and totals are queried separately. */
async function distinctOf(store: UsageStore, relation: string, asked: PartAsked): Promise<Found> {
  const { source, metrics, by, filters, top } = asked;
  const { dialect } = store.engine;
  const query = async (selection: Pick<Selection, 'by' | 'top'>): Promise<readonly Row[]> =>
    rounded(await store.engine.query<Row>(selectSql(dialect, relation, { source, metrics, filters, ...selection })));
  const visitors = isPlainVisitors(asked) ? await plainVisitors(store, relation, asked) : undefined;
  const totals = visitors === undefined ? ((await query({ by: [] }))[0] as Figures) : { visitors };
  const [first] = by;
  if (first === undefined) return { rows: [], totals };
  const chosen =
    asked.chosen ?? (top === undefined ? undefined : topOf(await query({ by: [first] }), first, metrics, top));
  const rows = await query({ by, ...(chosen !== undefined && { top: chosen }) });
  return { rows: [...rows], totals, ...(chosen !== undefined && { top: chosen }) };
}

/** Whether the question is only for visitors, among everything that is counted or of one class of clients. */
function isPlainVisitors({ metrics, filters }: PartAsked): boolean {
  const { reason, client = [], ...others } = filters;
  return (
    metrics.join() === 'visitors' &&
    reason?.join() === 'counted' &&
    client.length <= 1 &&
    !client.includes(NONE) &&
    Object.keys(others).length === 0
  );
}

/** @returns undefined if the engine cannot tell it faster than by distinguishing visitors */
async function plainVisitors(
  { engine }: UsageStore,
  relation: string,
  { fromMs, filters }: PartAsked,
): Promise<number | undefined> {
  const { visitors } = engine.dialect;
  if (visitors === undefined) return undefined;
  const [open] = await engine.query<{ ms: number }>(visitors.openSince);
  const [found] = await engine.query<{ n: number }>(
    visitors.count(relation, fromMs, open?.ms ?? 0, filters.client?.[0]),
  );
  return found?.n;
}

/** Rounded to a thousandth: beyond that, the engines' floating-point results differ. */
function rounded(rows: readonly Row[]): Row[] {
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'number' ? Math.round(value * 1000) / 1000 : value,
      ]),
    ),
  );
}

/** Filters on dimensions of the source. */
function ownFilters(store: UsageStore, source: Source, filters: Filters): Filters {
  return Object.fromEntries(
    Object.entries(filters).filter(([dimension]) => knows(store.engine.dialect, source, dimension as Dimension)),
  );
}

function filtersOf(query: StatsQuery): Filters {
  const filters: Filters = {};
  for (const dimension of DIMENSION_NAMES) {
    const given: unknown = query[dimension as keyof StatsQuery];
    if (typeof given === 'string') filters[dimension] = given.split(',');
  }
  if (filters.reason === undefined && !query.by.includes('reason')) filters.reason = ['counted'];
  return filters;
}

/** Every metric must have every dimension of the question, except `reason`, which is only about what people do. */
function checkDimensions(store: UsageStore, { metric: metrics, by, compare, top }: StatsQuery, filters: Filters): void {
  const asked = [...by, ...(Object.keys(filters) as Dimension[])].filter((dimension) => dimension !== 'reason');
  for (const metric of metrics)
    for (const dimension of asked)
      if (!knows(store.engine.dialect, METRIC_RULES[metric].source, dimension))
        throw new QuestionError('invalid_query', `${metric} cannot be divided or filtered by ${dimension}`);
  if (by.includes('reason') && metrics.some((metric) => METRIC_RULES[metric].source !== 'facts'))
    throw new QuestionError('invalid_query', 'jobs and readings have no reason why they are not counted');
  if (compare !== undefined && by.some((dimension) => TIME_DIMENSIONS.some((one) => one === dimension)))
    throw new QuestionError('invalid_query', 'compare=before is for rows without hour, day and month');
  if (top !== undefined && by.length === 0)
    throw new QuestionError('invalid_query', 'top needs by: it is about the first of it');
}

function topOf(rows: readonly Row[], first: Dimension, [metric]: readonly Metric[], top: number): (string | null)[] {
  return ordered(rows, [first], metric === undefined ? [] : [metric], true)
    .slice(0, top)
    .map((row) => row[first] as string | null);
}

/** By time if the first dimension is a time, otherwise the largest first; equal rows by name. */
function ordered(rows: readonly Row[], by: readonly Dimension[], [metric]: readonly Metric[], most = false): Row[] {
  const isTime = !most && TIME_DIMENSIONS.some((one) => one === by[0]);
  return rows.toSorted(
    (one, other) =>
      (isTime || metric === undefined ? 0 : Number(other[metric] ?? -1) - Number(one[metric] ?? -1)) ||
      byName(keyOf(by, one), keyOf(by, other)),
  );
}

const byName = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
const keyOf = (by: readonly Dimension[], row: Row): string => by.map((dimension) => row[dimension] ?? '').join('\n');

/** Each row with the figures of the period before, under names that end in `_before`. */
function compared({ by, metric: metrics }: StatsQuery, rows: readonly Row[], before: readonly Row[]): Row[] {
  const earlier = new Map(before.map((row) => [keyOf(by, row), row]));
  const both = rows.map((row) => withBefore(row, earlier.get(keyOf(by, row)), metrics));
  const there = new Set(rows.map((row) => keyOf(by, row)));
  const gone = before.filter((row) => !there.has(keyOf(by, row)));
  return [...both, ...gone.map((row) => withBefore({ ...row, ...noFigures(metrics) }, row, metrics))];
}

const noFigures = (metrics: readonly Metric[]): Row =>
  Object.fromEntries(metrics.map((metric) => [metric, emptyOf(metric)]));
/** Without data, a count is 0; a quantile or a share is unknown. */
const emptyOf = (metric: Metric): number | null => (/_p\d+$|_percent$/.test(metric) ? null : 0);

function withBefore(row: Row, before: Row | undefined, metrics: readonly Metric[]): Row {
  return {
    ...row,
    ...Object.fromEntries(metrics.map((metric) => [`${metric}_before`, before?.[metric] ?? emptyOf(metric)])),
  };
}

const iso = ({ fromMs, toMs }: Period): { from: string; to: string } => ({
  from: new Date(fromMs).toISOString(),
  to: new Date(toMs).toISOString(),
});
