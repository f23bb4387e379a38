import type { AccessMethod, Code } from '../rules/access.ts';
import { literals, type Period } from '../rules/dialect.ts';
import { COUNTER_METRICS, METRIC_SQL, type CounterMetric } from '../rules/metrics.ts';
import { typesOf } from '../rules/roles.ts';
import type { UsageStore } from '../store/usage-store.ts';

export type Counts = Readonly<Record<CounterMetric, number>>;

/** Figures of a dataset, a month and an access method. */
export interface Figure extends Counts {
  /** `2026-10` */
  readonly month: string;
  readonly dataset: string;
  readonly access: Exclude<AccessMethod, 'out'>;
}

/** Figures of the whole site, a month and an access method. */
export type Total = Omit<Figure, 'dataset'>;

export interface Figures {
  /** Ordered by dataset, month and access. */
  readonly rows: readonly Figure[];
  /** Counted separately, not summed up from the rows. */
  readonly totals: readonly Total[];
  /** Views and downloads of files without a known dataset: no report has them. */
  readonly unattributed: number;
}

export interface FiguresOptions {
  readonly code: Code;
  readonly period: Period;
  readonly zone: string;
  /** Only these access methods. @default all that reports include */
  readonly access?: readonly Figure['access'][] | undefined;
  /** All access methods as one, `regular`: a session that used two of them counts once in unique figures. @default false */
  readonly rolledUp?: boolean | undefined;
}

type Group = Counts & {
  readonly month: string;
  readonly access: Figure['access'];
  /** Null if the dataset is unknown, and if `whole` is 1. */
  readonly dataset: string | null;
  /** 1 if the row covers all datasets. */
  readonly whole: number;
  readonly unattributed: number;
};

/** Asks the store in one query, because most of the work is judging each event. */
export async function figuresOf(store: UsageStore, options: FiguresOptions): Promise<Figures> {
  const { engine } = store;
  const month = engine.dialect.timeText('v.local_ms', 'month');
  const metrics = COUNTER_METRICS.map((metric) => `${METRIC_SQL[metric]} AS ${metric}`).join(', ');
  const groups = await engine.query<Group & Row>(`
SELECT month, access, dataset_id AS dataset, ${metrics},
  count(*) FILTER (WHERE NOT item) AS unattributed, grouping(dataset_id) AS whole
FROM (
  SELECT ${month} AS month, ${options.rolledUp === true ? "'regular' AS access" : 'access'}, dataset_id, item_key, session, item, request
  FROM ${await store.verdicts(options)} v
  WHERE reason = 'counted' AND ${waysSql(options)} AND (item OR (attribution = 'unattributed' AND event IN (${LOOKS})))
) r GROUP BY GROUPING SETS ((month, access, dataset_id), (month, access))`);
  const used = groups.filter((group) => group.total_investigations > 0);
  return {
    rows: used
      .flatMap(({ dataset, whole, ...group }) => (whole === 1 || dataset === null ? [] : [figureOf(group, dataset)]))
      .toSorted((a, b) => compare(a.dataset, b.dataset) || byMonth(a, b)),
    totals: used
      .filter(({ whole }) => whole === 1)
      .map(totalOf)
      .toSorted(byMonth),
    unattributed: groups.filter(({ whole }) => whole === 1).reduce((sum, group) => sum + group.unattributed, 0),
  };
}

const waysSql = ({ access }: FiguresOptions): string =>
  access === undefined ? "access <> 'out'" : `access IN (${literals(access)})`;

const LOOKS = literals(typesOf('view', 'download'));

const totalOf = (group: Omit<Group, 'dataset' | 'whole'>): Total => ({
  month: group.month,
  access: group.access,
  ...sumOf([group]),
});
const figureOf = (group: Omit<Group, 'dataset' | 'whole'>, dataset: string): Figure => ({ ...totalOf(group), dataset });
const byMonth = (a: Total, b: Total): number => compare(a.month, b.month) || compare(a.access, b.access);

type Row = Readonly<Record<string, string | number | boolean | null>>;

/** By code units: the same order on every engine and machine. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The sum of several figures. */
export function sumOf(rows: readonly Counts[]): Counts {
  const sum = Object.fromEntries(COUNTER_METRICS.map((metric) => [metric, 0])) as Record<CounterMetric, number>;
  for (const row of rows) for (const metric of COUNTER_METRICS) sum[metric] += row[metric];
  return sum;
}
