import { NONE, type Dimension, type Metric } from '../ask/question.ts';
import { literal, literals, type Dialect } from '../rules/dialect.ts';
import { DIMENSION_RULES, METRIC_RULES, SUMMED_BY, type Divider, type SumRule } from './vocabulary.ts';
import type { Source } from './sources.ts';

/** Label in the first column for everything not at the top. */
export const OTHERS = '(others)';

export interface Selection {
  readonly source: Source;
  readonly metrics: readonly Metric[];
  readonly by: readonly Dimension[];
  /** Allowed values, by dimension of the source. */
  readonly filters: Readonly<Partial<Record<Dimension, readonly string[]>>>;
  /** Values of the first of `by` with rows of their own; all others form one row. */
  readonly top?: readonly (string | null)[];
  /** The same facts, those of whole days summed up. */
  readonly summed?: Summed | undefined;
}

/** A relation with `n`, how many facts a row stands for, and `bytes`; it has these columns alone. */
export interface Summed {
  readonly relation: string;
  readonly columns: readonly string[];
}

/** Whether the source has the dimension. */
export function knows(dialect: Dialect, source: Source, dimension: Dimension): boolean {
  return DIMENSION_RULES[dimension](dialect)[source] !== undefined;
}

/** The figures as one SELECT: the dimensions by name, then the metrics by name. */
export function selectSql(dialect: Dialect, relation: string, selection: Selection): string {
  const { source, metrics, by, filters, top } = selection;
  const dividers = dividersOf(dialect, source, by);
  const keys = dividers.map((divider, index) => {
    const key = divider.text?.(divider.key) ?? divider.key;
    return index === 0 && top !== undefined ? onlyTop(key, valuesOf(dialect, divider, top)) : key;
  });
  const figures = metrics.map((metric) => `${METRIC_RULES[metric].sql} AS ${quoted(metric)}`);
  const grouped = `SELECT ${[...keys.map((key, nth) => `${key} AS k${nth}`), ...figures].join(', ')} FROM ${relation} s
${where(dialect, source, filters)} ${groupBy(keys.length)}`;
  return labelled(dialect, grouped, by, metrics, dividers.map(timesAside));
}

/**
 * The same for metrics that add up, several times as fast: it reads the facts once and condenses them first.
 *
 * @param most without `top`: only the rows whose first metric is among the `most` largest, and for each metric `total_…`,
 * which covers all rows
 */
export function sumSql(dialect: Dialect, relation: string, selection: Selection, most?: number): string {
  const { source, metrics, by, filters, top, summed } = selection;
  const dividers = dividersOf(dialect, source, by);
  const rules = metrics.flatMap((metric) => METRIC_RULES[metric].sum ?? []);
  const columns = SUMMED_BY.filter((name) =>
    rules.some((rule) => new RegExp(String.raw`\b${name}\b`).test(rule.where)),
  );
  const keys = dividers.map((_, nth) => `k${nth}`);
  const filtered = dividersOf(dialect, source, Object.keys(filters) as Dimension[]);
  const asked = [...columns, ...[...dividers, ...filtered].map(({ key }) => key)];
  const sums = summed !== undefined && asked.every((name) => summed.columns.includes(name)) ? summed : undefined;
  const condensed = `SELECT ${[...dividers.map(({ key }, nth) => `${key} AS k${nth}`), ...columns].join(', ')}${keys.length + columns.length === 0 ? '' : ','}
  ${sums === undefined ? 'count(*)' : 'sum(n)'} AS n, sum(bytes) AS bytes FROM ${sums?.relation ?? relation} s ${where(dialect, source, filters)} ${groupBy(keys.length + columns.length)}`;
  const figures = metrics.map((metric, nth) => `${sumOf(rules[nth])} AS ${quoted(metric)}`);
  const figured = `SELECT ${[...keys, ...figures].join(', ')} FROM (${condensed}) c ${groupBy(keys.length)}`;
  const [first] = metrics;
  if (most !== undefined && first !== undefined) {
    const totals = metrics.map((metric) => `sum(${quoted(metric)}) OVER () AS ${quoted(`total_${metric}`)}`);
    const ranked = `SELECT * FROM (SELECT m.*, ${totals.join(', ')}, rank() OVER (ORDER BY ${quoted(first)} DESC) AS nth FROM (${figured}) m) r WHERE nth <= ${most}`;
    const all = [...metrics, ...metrics.map((metric) => `total_${metric}`)];
    return labelled(dialect, ranked, by, all, dividers);
  }
  const rows = labelled(dialect, figured, by, metrics, dividers);
  // Days become months now, and rows that are not at the top become one.
  if (top === undefined && !by.includes('month')) return rows;
  const labels = by.map((dimension, nth) => (nth === 0 && top !== undefined ? onlyTop(quoted(dimension), top.map(textOf)) : quoted(dimension))); // prettier-ignore
  return `SELECT ${[...labels.map((label, nth) => `${label} AS ${quoted(by[nth] ?? '')}`), ...metrics.map((metric) => `sum(${quoted(metric)}) AS ${quoted(metric)}`)].join(', ')}
FROM (${rows}) l ${groupBy(by.length)}`;
}

function dividersOf(dialect: Dialect, source: Source, by: readonly Dimension[]): readonly Divider[] {
  return by.map((dimension) => DIMENSION_RULES[dimension](dialect)[source] ?? { key: 'NULL' });
}

function sumOf(rule: SumRule | undefined): string {
  return rule === undefined ? 'NULL' : `coalesce(sum(${rule.of}) FILTER (WHERE ${rule.where}), 0)`;
}

const groupBy = (columns: number): string =>
  columns === 0 ? '' : `GROUP BY ${Array.from({ length: columns }, (_, index) => index + 1).join(', ')}`;

/** The divider for times that are texts already. */
const timesAside = ({ key, isWord }: Divider): Divider => (isWord === true ? { key, isWord } : { key });

/** Grouped rows, `k0`, `k1`, …, with the texts of their keys. */
function labelled(
  dialect: Dialect,
  grouped: string,
  by: readonly Dimension[],
  columns: readonly string[],
  dividers: readonly Divider[],
): string {
  if (by.length === 0) return grouped;
  const joins = dividers.flatMap(({ isWord }, nth) =>
    isWord === true && dialect.words !== undefined
      ? [`LEFT JOIN ${dialect.words} w${nth} ON w${nth}.id = g.k${nth}`]
      : [],
  );
  const texts = by.map((dimension, nth) => {
    const { text, isWord } = dividers[nth] ?? {};
    const own = isWord === true && dialect.words !== undefined ? wordOf(nth) : (text?.(`g.k${nth}`) ?? `g.k${nth}`);
    return `${own} AS ${quoted(dimension)}`;
  });
  return `SELECT ${[...texts, ...columns.map((name) => `g.${quoted(name)}`)].join(', ')} FROM (${grouped}) g ${joins.join(' ')}`;
}

/** The number for "others" belongs to no word. */
const wordOf = (nth: number): string =>
  `CASE WHEN g.k${nth} = ${OTHERS_KEY} THEN ${literal(OTHERS)} ELSE w${nth}.word END`;
const OTHERS_KEY = -1;

function where(dialect: Dialect, source: Source, filters: Selection['filters']): string {
  const conditions = Object.entries(filters).map(([dimension, values]) => {
    const divider = DIMENSION_RULES[dimension as Dimension](dialect)[source] ?? { key: 'NULL' };
    return isOneOf(dialect, divider, values);
  });
  return conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
}

function isOneOf(dialect: Dialect, divider: Divider, values: readonly string[]): string {
  const key = divider.text?.(divider.key) ?? divider.key;
  const named = values.filter((value) => value !== NONE);
  const list =
    divider.isWord === true && dialect.words !== undefined
      ? `SELECT id FROM ${dialect.words} WHERE word IN (${literals(named)})`
      : literals(named);
  const parts = [
    ...(named.length === values.length ? [] : [`${key} IS NULL`]),
    ...(named.length === 0 ? [] : [`${key} IN (${list})`]),
  ];
  return `(${parts.join(' OR ')})`;
}

/** A value in SQL; null if it is missing. */
type Choice = string | null;
const textOf = (value: string | null): Choice => (value === null ? null : literal(value));

interface Choices {
  readonly values: readonly Choice[];
  readonly others: string;
}

function valuesOf(dialect: Dialect, { isWord }: Divider, top: readonly (string | null)[]): Choices | readonly Choice[] {
  if (isWord !== true || dialect.words === undefined) return top.map(textOf);
  const words = top.filter((value) => value !== null);
  const ids = words.length === 0 ? [] : [`SELECT id FROM ${dialect.words} WHERE word IN (${literals(words)})`];
  return { values: [...(top.includes(null) ? [null] : []), ...ids], others: String(OTHERS_KEY) };
}

function onlyTop(sql: string, choices: Choices | readonly Choice[]): string {
  const { values, others } = 'others' in choices ? choices : { values: choices, others: literal(OTHERS) };
  const named = values.filter((value) => value !== null);
  const unnamed = values.includes(null) ? `WHEN ${sql} IS NULL THEN NULL ` : '';
  const own = named.length === 0 ? '' : `WHEN ${sql} IN (${named.join(', ')}) THEN ${sql} `;
  return unnamed + own === '' ? others : `CASE ${unnamed}${own}ELSE ${others} END`;
}

const quoted = (name: string): string => `"${name}"`;
