import { EVENTS } from './001-events.ts';
import { REPORTS } from './002-reports.ts';
import { BOUNDS } from './003-bounds.ts';
import { USAGE } from './004-usage.ts';
import { REPORTED } from './006-reported.ts';
import { PLACES } from './007-places.ts';
import { RULES } from './008-rules.ts';
import { INSTRUMENTED } from './009-instrumented.ts';
import { NAMED } from './010-names.ts';

/** One step of the schema. Once released it never changes; later changes are new steps. */
export interface Migration {
  readonly name: string;
  /** Statements, run with the schema as search path. */
  readonly sql: string;
}

/** In order; the number of a migration is its position, from 1. */
export const MIGRATIONS: readonly Migration[] = [
  { name: 'events', sql: EVENTS },
  { name: 'reports', sql: REPORTS },
  { name: 'bounds', sql: BOUNDS },
  { name: 'usage', sql: USAGE },
  { name: 'reported', sql: REPORTED },
  { name: 'places', sql: PLACES },
  { name: 'rules', sql: RULES },
  { name: 'instrumented', sql: INSTRUMENTED },
  { name: 'names', sql: NAMED },
];
