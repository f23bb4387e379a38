import { isPostgres } from '../ask/settings.ts';
import type { Countries } from '../rules/addresses.ts';
import type { Policy } from '../rules/policy.ts';
import { openDuckdbStore } from './duckdb/store.ts';
import { openPostgresStore } from './postgresql/store.ts';
import type { UsageStore } from './usage-store.ts';

export interface StorePlace {
  /** A file, or `postgresql://…`; in memory if left out. */
  readonly place?: string | undefined;
  readonly memoryBytes?: number | undefined;
  /** Schema of the PostgreSQL sink's table. */
  readonly schema: string;
  readonly policy: Policy;
  readonly countries?: Countries | undefined;
}

const QUESTION_MS = 60_000;

/**
 * Opens the store.
 *
 * @throws UsageStoreError or PostgresSetupError if it cannot be used; the message says what to do
 */
export async function openUsageStore({ place, memoryBytes, schema, ...judging }: StorePlace): Promise<UsageStore> {
  if (place !== undefined && isPostgres(place))
    return openPostgresStore({ url: place, schema, statementTimeoutMs: QUESTION_MS, ...judging });
  return openDuckdbStore({ path: place, memoryBytes, ...judging });
}
