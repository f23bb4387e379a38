import { chmodSync } from 'node:fs';
import { literal } from '../rules/dialect.ts';
import type { UsageStore } from './usage-store.ts';

const COPY = 'backup_copy';

/**
 * Copies a store in a file, as of one moment, to another file. If another process has the store, that process copies it.
 *
 * @param path absolute, of a file that does not exist yet
 * @throws Error from DuckDB
 */
export async function copyStore(store: UsageStore, path: string): Promise<void> {
  const [found] = await store.engine.query<{ name: string }>('SELECT current_database() AS name');
  const name = String(found?.name).replaceAll('"', '""');
  try {
    await store.engine.run(`ATTACH ${literal(path)} AS ${COPY}`, `COPY FROM DATABASE "${name}" TO ${COPY}`);
  } finally {
    await store.engine.run(`DETACH DATABASE IF EXISTS ${COPY}`);
  }
  chmodSync(path, 0o600);
}
