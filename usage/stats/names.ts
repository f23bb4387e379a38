import { isNamed, type Dimension, type NamedDimension } from '../ask/question.ts';
import { literal, literals } from '../rules/dialect.ts';
import type { Teller } from '../store/derived.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { OTHERS } from './sql.ts';

type Row = Readonly<Record<string, string | number | null>>;

/** Sources for the names of a dimension; the first that knows an id counts. */
const SOURCES = {
  resource: ['catalog', 'resource'],
  dataset: ['catalog', 'dataset', 'dataset of a file'],
  space: ['space'],
  collection: ['collection'],
  user: ['user'],
} as const satisfies Record<NamedDimension, readonly ('catalog' | Teller)[]>;

/**
 * Names by id for the rows: the catalog's title, otherwise the latest name in events.
 *
 * @returns undefined if no dimension of the rows has names
 */
export async function namesOf(
  store: UsageStore,
  by: readonly Dimension[],
  rows: readonly Row[],
): Promise<Record<string, string> | undefined> {
  const dimensions = by.filter(isNamed);
  if (dimensions.length === 0) return undefined;
  const names = new Map<string, string>();
  for (const dimension of dimensions) {
    const ids = idsOf(rows, dimension);
    for (const source of SOURCES[dimension]) {
      const unnamed = ids.filter((id) => !names.has(id));
      if (unnamed.length === 0) break;
      const sql = source === 'catalog' ? titlesSql(store, unnamed) : toldSql(store, source, unnamed);
      for (const { id, name } of await store.engine.query<{ id: string; name: string }>(sql)) names.set(id, name);
    }
  }
  return Object.fromEntries(names);
}

function idsOf(rows: readonly Row[], dimension: NamedDimension): readonly string[] {
  const values = new Set(rows.map((row) => row[dimension]));
  return [...values].filter((value) => typeof value === 'string').filter((value) => value !== OTHERS);
}

const titlesSql = ({ engine: { dialect } }: UsageStore, ids: readonly string[]): string => `
SELECT id, name FROM (
  SELECT dataset_id AS id, ${dialect.jsonText('entry', 'title')} AS name FROM ${dialect.table('catalog')} WHERE dataset_id IN (${literals(ids)})
) c WHERE name IS NOT NULL`;

const toldSql = ({ engine: { dialect } }: UsageStore, teller: Teller, ids: readonly string[]): string =>
  `SELECT id, name FROM ${dialect.table('names')} WHERE kind = ${literal(teller)} AND id IN (${literals(ids)})`;
