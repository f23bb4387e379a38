import type { AddressJudge } from '../../rules/addresses.ts';
import {
  isLater,
  newValuesSql,
  PLACEMENTS,
  seenSql,
  storeVerdictsSql,
  toldSql,
  verdictTables,
  type Placement,
} from '../derived.ts';
import type { Engine } from '../engine.ts';

/**
 * Judges the user agents and addresses in a relation of events, places files and datasets, and stores names, adding to what is
 * there.
 */
export async function derive(within: Engine, judge: AddressJudge, relation: string): Promise<void> {
  const { dialect } = within;
  for (const table of verdictTables(judge)) {
    const found = await within.query(newValuesSql(dialect, table, relation));
    await within.run(...storeVerdictsSql(dialect, table, found));
  }
  for (const placement of PLACEMENTS) await within.run(...placeSql(placement, relation));
  await within.run(...nameSql(relation));
}

/** Temporary table of the new placements that the last `derive` found. */
export const freshPlaces = ({ table }: Placement): string => `fresh_${table}`;

function placeSql(placement: Placement, relation: string): readonly string[] {
  const { table, what, where } = placement;
  const fresh = freshPlaces(placement);
  const same = (one: string): string => `${one}.${what} = s.${what} AND ${one}.${where} = s.${where}`;
  return [
    `CREATE OR REPLACE TEMPORARY TABLE ${fresh} AS SELECT * FROM (${seenSql(placement, relation)}) s
     WHERE NOT EXISTS (SELECT 1 FROM ${table} p WHERE ${same('p')} AND p.from_ms <= s.from_ms)`,
    `UPDATE ${table} SET from_ms = s.from_ms FROM ${fresh} s WHERE ${same(table)}`,
    `INSERT INTO ${table} SELECT ${what}, ${where}, from_ms FROM ${fresh} s
     WHERE NOT EXISTS (SELECT 1 FROM ${table} p WHERE ${same('p')})`,
  ];
}

function nameSql(relation: string): readonly string[] {
  const same = 'n.kind = t.kind AND n.id = t.id';
  return [
    `CREATE OR REPLACE TEMPORARY TABLE told AS SELECT * FROM (${toldSql(relation)}) t
     WHERE NOT EXISTS (SELECT 1 FROM names n WHERE ${same} AND NOT ${isLater('t', 'n')})`,
    `UPDATE names AS n SET name = t.name, told_ms = t.told_ms FROM told t WHERE ${same}`,
    `INSERT INTO names SELECT kind, id, name, told_ms FROM told t WHERE NOT EXISTS (SELECT 1 FROM names n WHERE ${same})`,
  ];
}
