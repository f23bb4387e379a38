import { NONE, type Dimension, type Metric } from '../ask/question.ts';
import { literal, literals, type Dialect } from '../rules/dialect.ts';
import { DIMENSION_RULES, METRIC_RULES } from './vocabulary.ts';
import type { Source } from './sources.ts';

/** Stands in the first column for all that are not among the top. */
export const OTHERS = '(others)';

export interface Selection {
  readonly source: Source;
  readonly metrics: readonly Metric[];
  readonly by: readonly Dimension[];
  /** Values that a dimension may have; of dimensions that the source has. */
  readonly filters: Readonly<Partial<Record<Dimension, readonly string[]>>>;
  /** Values of the first of `by` that have rows of their own; the others are one row. */
  readonly top?: readonly (string | null)[];
}

/** Whether the source knows the dimension. */
export function knows(dialect: Dialect, source: Source, dimension: Dimension): boolean {
  return DIMENSION_RULES[dimension](dialect)[source] !== undefined;
}

/** The figures as one SELECT: the dimensions by their names, then the metrics by theirs. */
export function selectSql(
  dialect: Dialect,
  relation: string,
  { source, metrics, by, filters, top }: Selection,
): string {
  const sqlOf = (dimension: Dimension): string => DIMENSION_RULES[dimension](dialect)[source] ?? 'NULL';
  const groups = by.map((dimension, index) => {
    const sql = sqlOf(dimension);
    return `${index === 0 && top !== undefined ? onlyTop(sql, top) : sql} AS ${quoted(dimension)}`;
  });
  const figures = metrics.map((metric) => `${METRIC_RULES[metric].sql} AS ${quoted(metric)}`);
  const conditions = Object.entries(filters).map(([dimension, values]) =>
    isOneOf(sqlOf(dimension as Dimension), values),
  );
  const places = groups.map((_, index) => index + 1).join(', ');
  return [
    `SELECT ${[...groups, ...figures].join(', ')} FROM ${relation} s`,
    conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`,
    places === '' ? '' : `GROUP BY ${places}`,
  ].join(' ');
}

function isOneOf(sql: string, values: readonly string[]): string {
  const named = values.filter((value) => value !== NONE);
  const parts = [
    ...(named.length === values.length ? [] : [`${sql} IS NULL`]),
    ...(named.length === 0 ? [] : [`${sql} IN (${literals(named)})`]),
  ];
  return `(${parts.join(' OR ')})`;
}

function onlyTop(sql: string, top: readonly (string | null)[]): string {
  const named = top.filter((value) => value !== null);
  const unnamed = top.includes(null) ? `WHEN ${sql} IS NULL THEN NULL ` : '';
  const own = named.length === 0 ? '' : `WHEN ${sql} IN (${literals(named)}) THEN ${sql} `;
  return unnamed + own === '' ? literal(OTHERS) : `CASE ${unnamed}${own}ELSE ${literal(OTHERS)} END`;
}

const quoted = (name: string): string => `"${name}"`;
