import type { RuleName } from '../http/rules.ts';

/** One line of a route table; without a rule if no response makes an event. */
export type RouteLine = readonly [
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS',
  template: `/${string}`,
  rule?: RuleName,
];

export interface Route {
  readonly method: string;
  /** As in the table, with `:name` for a segment and `*name` for the rest: low cardinality. */
  readonly template: string;
  /** Name of the rule that finds the route's events; undefined if there are none. */
  readonly rule: RuleName | undefined;
  readonly version: 'v1' | 'v2';
}
