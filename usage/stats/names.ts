import { isNamed, type Dimension, type NamedDimension } from '../ask/question.ts';
import { literal, literals, type Period } from '../rules/dialect.ts';
import { EVER } from '../store/slices.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { OTHERS } from './sql.ts';

type Row = Readonly<Record<string, string | number | null>>;

/** Where events tell names: which of their columns has the id, and which the name. */
interface Told {
  readonly id: 'resource_id' | 'dataset_id' | 'user_id';
  readonly name: 'resource_name' | 'dataset_name' | 'user_name';
  readonly resourceType?: string;
  /** Whether only events of the period are looked at: such that are found by no index are many. */
  readonly ofPeriod?: true;
}

const own = (resourceType: string): Told => ({ id: 'resource_id', name: 'resource_name', resourceType });

/** Who tells the names of a dimension: those of the first that knows the id count. */
const SOURCES = {
  resource: ['catalog', { id: 'resource_id', name: 'resource_name' }],
  dataset: ['catalog', own('dataset'), { id: 'dataset_id', name: 'dataset_name', ofPeriod: true }],
  space: [own('space')],
  collection: [own('collection')],
  user: [{ id: 'user_id', name: 'user_name' }],
} as const satisfies Record<NamedDimension, readonly ('catalog' | Told)[]>;

/**
 * Names of what the rows are of, by id: the title that the catalog has, else the latest that events told.
 *
 * @param period of the rows
 * @returns undefined where the rows are of nothing that has a name beside its id
 */
export async function namesOf(
  store: UsageStore,
  by: readonly Dimension[],
  rows: readonly Row[],
  period: Period,
): Promise<Record<string, string> | undefined> {
  const dimensions = by.filter(isNamed);
  if (dimensions.length === 0) return undefined;
  const names = new Map<string, string>();
  for (const dimension of dimensions) {
    const ids = idsOf(rows, dimension);
    for (const source of SOURCES[dimension]) {
      const unnamed = ids.filter((id) => !names.has(id));
      if (unnamed.length === 0) break;
      const sql = source === 'catalog' ? titlesSql(store, unnamed) : latestSql(store, source, unnamed, period);
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

/** Of names that were told in the same millisecond, both engines take the same one. */
function latestSql(store: UsageStore, told: Told, ids: readonly string[], period: Period): string {
  const { id, name, resourceType, ofPeriod } = told;
  const ofType = resourceType === undefined ? '' : ` AND e.resource_type = ${literal(resourceType)}`;
  return `
SELECT id, name FROM (
  SELECT e.${id} AS id, e.${name} AS name, row_number() OVER (PARTITION BY e.${id} ORDER BY max(e.created) DESC, md5(e.${name})) AS nth
  FROM ${store.events(ofPeriod === true ? period : EVER)} e
  WHERE e.${name} IS NOT NULL AND e.${id} IN (${literals(ids)})${ofType} GROUP BY e.${id}, e.${name}
) n WHERE nth = 1`;
}
