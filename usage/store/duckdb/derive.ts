import type { AddressJudge } from '../../rules/addresses.ts';
import { newValuesSql, PLACEMENTS, seenSql, storeVerdictsSql, verdictTables, type Placement } from '../derived.ts';
import type { Engine } from '../engine.ts';

/** Judges the user agents and addresses of a relation of events, and places files and datasets, beside what is there. */
export async function derive(within: Engine, judge: AddressJudge, relation: string): Promise<void> {
  const { dialect } = within;
  for (const table of verdictTables(judge)) {
    const found = await within.query(newValuesSql(dialect, table, relation));
    await within.run(...storeVerdictsSql(dialect, table, found));
  }
  for (const placement of PLACEMENTS) await within.run(...placeSql(placement, relation));
}

/** Of a placement, what the last `derive` found that was not known: a temporary table. */
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
