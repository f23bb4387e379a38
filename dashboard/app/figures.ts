import type { Row, Stats } from './api.ts';

/** One series of a chart. */
export interface Layer {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** Each metric's figures by column; a column without a row gets `empty`. */
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

/** One metric divided by a dimension: one layer per value, the largest first, the smallest merged. */
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

/** Sums of the metrics in the period before, by column, aligned with this period's columns. */
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
  // Months differ in length: excess columns are dropped, missing ones are 0.
  return Array.from({ length }, (_, index) => sums[index] ?? 0);
}

/** A row of a ranking. */
export interface Ranked {
  readonly id: string | null;
  readonly name: string;
  readonly figures: Readonly<Record<string, number | null>>;
  /** Share of the largest row, from 0 to 1. */
  readonly share: number;
}

/** @param metric the list's order */
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

/** An id may be the name of a property that every object has. */
const nameOf = (names: Stats['names'], id: string): string =>
  names !== undefined && Object.hasOwn(names, id) ? (names[id] ?? id) : id;

/** Windows of `health.connections`, oldest first. If there are more than `most`, neighbours are added up. */
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
