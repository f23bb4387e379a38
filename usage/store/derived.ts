import type { AddressJudge } from '../rules/addresses.ts';
import { judgeAgent } from '../rules/agents.ts';
import { literal, type Dialect, type TableName } from '../rules/dialect.ts';
import type { AnswerRow } from './engine.ts';

/** Most rows in one statement. */
const ROWS_AT_ONCE = 500;

/** Stored verdicts on a column's values: each value is judged once. */
interface VerdictTable {
  readonly table: TableName;
  readonly column: 'user_agent' | 'client_address';
  readonly columns: readonly string[];
  /** The verdict's columns, which follow the value. */
  readonly judge: (value: string) => readonly (string | boolean | null)[];
}

const AGENTS: VerdictTable = {
  table: 'agents',
  column: 'user_agent',
  columns: ['agent', 'reason'],
  judge: (userAgent) => {
    const { agent, reason } = judgeAgent(userAgent);
    return [agent, reason];
  },
};

const addresses = ({ judge }: AddressJudge): VerdictTable => ({
  table: 'addresses',
  column: 'client_address',
  columns: ['country', 'excluded'],
  judge: (address) => {
    const { country, excluded } = judge(address);
    return [country, excluded];
  },
});

/** What is judged: user agents, and addresses if a rule needs them. */
export const verdictTables = (judge: AddressJudge): readonly VerdictTable[] =>
  judge.isNeeded ? [AGENTS, addresses(judge)] : [AGENTS];

/** Values of a relation of events without a verdict. */
export const newValuesSql = (dialect: Dialect, { table, column }: VerdictTable, relation: string): string => `
SELECT DISTINCT i.${column} AS value FROM ${relation} i LEFT JOIN ${dialect.table(table)} a ON a.${column} = i.${column}
WHERE i.${column} IS NOT NULL AND a.${column} IS NULL`;

/** Statements that store verdicts on values. */
export function storeVerdictsSql(
  dialect: Dialect,
  { table, column, columns, judge }: VerdictTable,
  found: readonly AnswerRow[],
): readonly string[] {
  const statements: string[] = [];
  for (let at = 0; at < found.length; at += ROWS_AT_ONCE) {
    const rows = found.slice(at, at + ROWS_AT_ONCE).map(({ value }) => {
      const text = String(value);
      return `(${[text, ...judge(text)].map(constant).join(', ')})`;
    });
    statements.push(
      `INSERT INTO ${dialect.table(table)} (${[column, ...columns].join(', ')}) VALUES ${rows.join(', ')}`,
    );
  }
  return statements;
}

const constant = (value: string | boolean | null): string =>
  typeof value === 'string' ? literal(value) : String(value).toUpperCase();

/** Where things were seen, and since when. */
export interface Placement {
  readonly table: 'placements' | 'space_placements';
  readonly what: 'file_id' | 'dataset_id';
  readonly where: 'dataset_id' | 'space_id';
  /** Facts that a further placement may change. */
  readonly concerns: string;
  readonly whatSql: string;
}

export const PLACEMENTS: readonly Placement[] = [
  {
    table: 'placements',
    what: 'file_id',
    where: 'dataset_id',
    concerns: "f.attribution <> 'event'",
    whatSql: "coalesce(e.file_id, CASE WHEN e.resource_type = 'file' THEN e.resource_id END)",
  },
  {
    table: 'space_placements',
    what: 'dataset_id',
    where: 'space_id',
    concerns: 'TRUE',
    whatSql: "CASE WHEN e.resource_type = 'dataset' THEN e.resource_id ELSE e.dataset_id END",
  },
];

/** Where a relation's events saw things, and since when. */
export const seenSql = ({ what, where, whatSql }: Placement, relation: string): string => `
SELECT ${what}, ${where}, min(created) AS from_ms FROM (
  SELECT ${whatSql} AS ${what}, e.${where} AS ${where}, e.created FROM ${relation} e WHERE e.${where} IS NOT NULL
) seen WHERE ${what} IS NOT NULL GROUP BY ${what}, ${where}`;

/** Sources of names: which of an event's fields has the id, and which the name. */
export const TELLERS = {
  resource: { id: 'resource_id', name: 'resource_name' },
  dataset: { id: 'resource_id', name: 'resource_name', resourceType: 'dataset' },
  'dataset of a file': { id: 'dataset_id', name: 'dataset_name' },
  space: { id: 'resource_id', name: 'resource_name', resourceType: 'space' },
  collection: { id: 'resource_id', name: 'resource_name', resourceType: 'collection' },
  user: { id: 'user_id', name: 'user_name' },
} as const satisfies Readonly<Record<string, { id: string; name: string; resourceType?: string }>>;
export type Teller = keyof typeof TELLERS;

/** The latest names in a relation's events, one per id; if two are equally late, every engine takes the same one. */
export const toldSql = (relation: string): string => `
SELECT kind, id, name, told_ms FROM (
  SELECT kind, id, name, told_ms, row_number() OVER (PARTITION BY kind, id ORDER BY told_ms DESC, md5(name)) AS nth FROM (
${Object.entries(TELLERS).map(tellerSql(relation)).join(' UNION ALL\n')}
  ) told
) ranked WHERE nth = 1`;

const tellerSql =
  (relation: string) =>
  ([kind, { id, name, ...of }]: [string, { id: string; name: string; resourceType?: string }]): string =>
    `    SELECT ${literal(kind)} AS kind, e.${id} AS id, e.${name} AS name, max(e.created) AS told_ms FROM ${relation} e
    WHERE e.${id} IS NOT NULL AND e.${name} IS NOT NULL${of.resourceType === undefined ? '' : ` AND e.resource_type = ${literal(of.resourceType)}`} GROUP BY 2, 3`;

/** Condition: one name is later than another of the same thing. */
export const isLater = (one: string, other: string): string =>
  `(${one}.told_ms > ${other}.told_ms OR (${one}.told_ms = ${other}.told_ms AND md5(${one}.name) < md5(${other}.name)))`;
