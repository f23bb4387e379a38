import { literal, literals } from '../rules/dialect.ts';
import { EVER } from '../store/slices.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { entryOf, type Catalog } from './catalog.ts';

/** Clowder's answer about a dataset: `found`, or why there is none: the dataset does not exist, or may not be seen. */
export type CatalogState = 'found' | 'gone' | 'forbidden';

/** What is stored about a dataset that Clowder was asked for. */
export interface KeptEntry {
  readonly id: string;
  readonly state: CatalogState;
  /** JSON of the catalog entry, if found. */
  readonly entry: string | null;
  readonly etag: string | null;
  readonly fetchedMs: number;
}

type KeptRow = { readonly dataset_id: string; readonly state: CatalogState; readonly entry: string | null; readonly etag: string | null; readonly fetched_ms: number }; // prettier-ignore

/** Everything stored, by dataset id. */
export async function keptEntries({ engine }: UsageStore): Promise<ReadonlyMap<string, KeptEntry>> {
  const rows = await engine.query<KeptRow>(
    `SELECT dataset_id, state, entry, etag, fetched_ms FROM ${engine.dialect.table('catalog')} ORDER BY dataset_id`,
  );
  return new Map(
    rows.map(({ dataset_id: id, fetched_ms: fetchedMs, ...rest }) => [id, { id, fetchedMs, ...rest }] as const),
  );
}

/** Stores the entries, replacing earlier ones of the same datasets. */
export async function keepEntries({ engine }: UsageStore, entries: readonly KeptEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const text = (value: string | null): string => (value === null ? 'NULL' : literal(value));
  const rows = entries.map(
    ({ id, state, entry, etag, fetchedMs }) =>
      `(${literal(id)}, ${literal(state)}, ${text(entry)}, ${text(etag)}, ${fetchedMs})`,
  );
  await engine.run(
    `INSERT INTO ${engine.dialect.table('catalog')} (dataset_id, state, entry, etag, fetched_ms) VALUES ${rows.join(', ')}
     ON CONFLICT (dataset_id) DO UPDATE SET state = excluded.state, entry = excluded.entry, etag = excluded.etag, fetched_ms = excluded.fetched_ms`,
  );
}

/** The store's catalog. */
export async function storedCatalog(store: UsageStore): Promise<Catalog> {
  const kept = await keptEntries(store);
  return new Map(
    [...kept.values()].flatMap(({ id, entry }) => (entry === null ? [] : [[id, entryOf(entry)] as const])),
  );
}

/** The datasets that events name, in order of id. */
export async function datasetsThatOccur({ engine }: UsageStore): Promise<readonly string[]> {
  const events = engine.dialect.events(EVER);
  const rows = await engine.query<{ id: string }>(`
SELECT DISTINCT id FROM (
  SELECT e.dataset_id AS id FROM ${events} e WHERE e.dataset_id IS NOT NULL
  UNION SELECT e.resource_id FROM ${events} e WHERE e.resource_type = 'dataset' AND e.resource_id IS NOT NULL
) d ORDER BY id`);
  return rows.map(({ id }) => id);
}

/** Files in events that have no known dataset, in order of id. */
export async function filesWithoutDataset(store: UsageStore): Promise<readonly string[]> {
  const verdicts = await store.verdicts({ period: EVER_SINCE_2000, zone: 'UTC', code: 'r51' });
  const rows = await store.engine.query<{ id: string }>(
    `SELECT DISTINCT file_id AS id FROM ${verdicts} v WHERE attribution IN (${literals(['unattributed'])}) AND file_id IS NOT NULL ORDER BY 1`,
  );
  return rows.map(({ id }) => id);
}

const EVER_SINCE_2000 = { fromMs: Date.UTC(2000, 0), toMs: Date.UTC(2100, 0) };
