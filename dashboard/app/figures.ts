import type { Row, Stats } from './api.ts';

/** What becomes of rows on their way into a chart. */
export interface Layer {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** The figures of each metric, column by column; where there is no row, `empty`. */
export function layersOf(
  rows: readonly Row[],
  time: string,
  columns: readonly string[],
  metrics: Readonly<Record<string, string>>,
  empty: 0 | null = 0,
): readonly Layer[] {
  const byTime = new Map(rows.map((row) => [row[time], row]));
  return Object.entries(metrics).map(([metric, name]) => ({
    name,
    values: columns.map((column) => figureOf(byTime.get(column)?.[metric]) ?? empty),
  }));
}

/** The same of one metric, divided by one dimension: a layer a value, the largest first, the smallest together. */
export function layersBy(
  rows: readonly Row[],
  time: string,
  columns: readonly string[],
  { metric, by, most, empty = 0 }: { metric: string; by: string; most: number; empty?: 0 | null },
): readonly Layer[] {
  const cells = new Map<string, Map<string, number>>();
  const totals = new Map<string, number>();
  for (const row of rows) {
    const name = String(row[by] ?? '(none)');
    const value = figureOf(row[metric]);
    if (value === null) continue;
    const own = cells.get(name) ?? new Map<string, number>();
    const column = String(row[time]);
    own.set(column, (own.get(column) ?? 0) + value);
    cells.set(name, own);
    totals.set(name, (totals.get(name) ?? 0) + value);
  }
  const names = [...totals].toSorted((a, b) => b[1] - a[1]).map(([name]) => name);
  const layers = names
    .slice(0, most)
    .map((name) => ({ name, values: columns.map((column) => cells.get(name)?.get(column) ?? empty) }));
  const rest = names.slice(most);
  if (rest.length === 0 || empty === null) return layers;
  const others = columns.map((column) => rest.reduce((sum, name) => sum + (cells.get(name)?.get(column) ?? 0), 0));
  return [...layers, { name: `${rest.length} others`, values: others }];
}

const figureOf = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** The sum of the metrics of the period before, column by column, laid under the columns of this one. */
export function sumsOf(
  rows: readonly Row[],
  time: string,
  columns: readonly string[],
  metrics: readonly string[],
  length: number,
): readonly number[] {
  const byTime = new Map(rows.map((row) => [row[time], row]));
  const sums = columns.map((column) =>
    metrics.reduce((sum, metric) => sum + (figureOf(byTime.get(column)?.[metric]) ?? 0), 0),
  );
  // A month before may be shorter, or longer: what has no column is left out, and what is missing is 0.
  return Array.from({ length }, (_, index) => sums[index] ?? 0);
}

/** A row of a list of what is most used. */
export interface Ranked {
  readonly id: string | null;
  readonly name: string;
  readonly figures: Readonly<Record<string, number | null>>;
  /** Of the largest row, from 0 to 1. */
  readonly share: number;
}

/** @param metric the one that the list is ordered by */
export function rankedOf(
  { rows, names }: Pick<Stats, 'rows' | 'names'>,
  by: string,
  metric: string,
  metrics: readonly string[],
): readonly Ranked[] {
  const most = Math.max(1, ...rows.map((row) => figureOf(row[metric]) ?? 0));
  return rows.map((row) => {
    const value = row[by];
    const id = value === null || value === undefined ? null : String(value);
    return {
      id,
      name: id === null ? '(none)' : nameOf(names, id),
      figures: Object.fromEntries(metrics.map((one) => [one, figureOf(row[one])])),
      share: (figureOf(row[metric]) ?? 0) / most,
    };
  });
}

/** An id may be the name of what every object has. */
const nameOf = (names: Stats['names'], id: string): string =>
  names !== undefined && Object.hasOwn(names, id) ? (names[id] ?? id) : id;

/** Windows of `health.connections`, oldest first, of which at most so many are shown: neighbours are added up. */
export function windowsOf(
  events: readonly Readonly<Record<string, unknown>>[],
  most: number,
): readonly Readonly<Record<string, number>>[] {
  const sorted = events.toSorted((a, b) => Number(a['window_start']) - Number(b['window_start']));
  const size = Math.max(1, Math.ceil(sorted.length / most));
  return Array.from({ length: Math.ceil(sorted.length / size) }, (_, index) => {
    const some = sorted.slice(index * size, (index + 1) * size);
    const sums: Record<string, number> = { window_start: Number(some[0]?.['window_start']) };
    for (const [name, value] of some.flatMap((event) => Object.entries(event)))
      if (typeof value === 'number' && COUNTED.test(name)) sums[name] = (sums[name] ?? 0) + value;
    return sums;
  });
}

const COUNTED = /^(?:bot_)?(?:connections|requests|responses_\dxx|bytes)$/;
