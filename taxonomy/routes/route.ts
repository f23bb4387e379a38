import type { RuleName } from '../http/rules.ts';

/** One line of a route table: the rule is absent if a request makes no event, whatever its answer. */
export type RouteLine = readonly [
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS',
  template: `/${string}`,
  rule?: RuleName,
];

export interface Route {
  readonly method: string;
  /** As in the table, `:name` for a segment and `*name` for the rest: low cardinality. */
  readonly template: string;
  /** Name of the rule that makes events of it; undefined if none does. */
  readonly rule: RuleName | undefined;
  readonly version: 'v1' | 'v2';
}
