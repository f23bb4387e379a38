import { createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { csvOf } from '../runtime/csv.ts';
import { literal, type Period } from './rules/dialect.ts';
import { monthsPeriod } from './rules/time-zone.ts';
import { COLUMN_NAMES, fromRow } from './store/columns.ts';
import { openDuckdbStore } from './store/duckdb/store.ts';
import type { UsageStore } from './store/usage-store.ts';

export type ExportFormat = 'parquet' | 'ndjson' | 'csv';

export interface ExportOptions {
  readonly format: ExportFormat;
  readonly out: string;
  /** Months of UTC, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly onProgress: (events: number) => void;
}

const PAGE = 20_000;
const COLUMNS = ['event_id', 'created', 'event', ...COLUMN_NAMES, 'data'];
const EVER = { fromMs: 0, toMs: Date.UTC(2100, 0, 1) };

/**
 * Writes the events to a file, in the order in which they happened. The file is there once it is whole.
 *
 * @returns how many
 */
export async function exportEvents(store: UsageStore, options: ExportOptions): Promise<number> {
  const { out, from, to } = options;
  const period = {
    fromMs: from === undefined ? EVER.fromMs : monthsPeriod(from, from, 'UTC').fromMs,
    toMs: to === undefined ? EVER.toMs : monthsPeriod(to, to, 'UTC').toMs,
  };
  const directory = await mkdtemp(join(dirname(out), '.clowder-otel-export-'));
  try {
    const unfinished = join(directory, 'events');
    const events = await (options.format === 'parquet' ? writeParquet : writeText)(store, period, unfinished, options);
    await rename(unfinished, out);
    return events;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

type Write = (store: UsageStore, period: Period, path: string, options: ExportOptions) => Promise<number>;

const writeText: Write = async (store, period, path, { format, onProgress }) => {
  let events = 0;
  async function* texts(): AsyncGenerator<string> {
    if (format === 'csv') yield csvOf(COLUMNS, []);
    for await (const page of pagesOf(store, period)) {
      yield format === 'csv'
        ? csvOf(COLUMNS, page).replace(/^[^\r]*\r\n/, '')
        : page.map((row) => `${JSON.stringify(fromRow(row))}\n`).join('');
      events += page.length;
      onProgress(events);
    }
  }
  await pipeline(Readable.from(texts()), createWriteStream(path));
  return events;
};

const writeParquet: Write = async (store, period, path, { onProgress }) => {
  if (store.engine.dialect.name === 'duckdb') {
    const sql = `SELECT ${COLUMNS.join(', ')} FROM ${store.events(period)} e`;
    await store.engine.run(`COPY (${sql} ORDER BY created, event_id) TO ${literal(path)} (FORMAT parquet)`);
    const [row] = await store.engine.query<{ n: number }>(`SELECT count(*) AS n FROM ${store.events(period)} e`);
    return row?.n ?? 0;
  }
  // PostgreSQL writes no Parquet: DuckDB does it, by way of a store of its own.
  const between = await openDuckdbStore({ path: `${path}.duckdb` });
  try {
    for await (const page of pagesOf(store, period)) await between.ingest(page.map(fromRow));
    return await writeParquet(between, EVER, path, { format: 'parquet', out: path, onProgress });
  } finally {
    await between.close();
  }
};

type EventRow = Readonly<Record<string, string | number | boolean | null>>;

/** Some at a time, in order: no matter how many there are. */
async function* pagesOf(store: UsageStore, period: Period): AsyncGenerator<readonly EventRow[]> {
  let after = '';
  for (;;) {
    const page = await store.engine.query<EventRow>(
      `SELECT ${COLUMNS.join(', ')} FROM ${store.events(period)} e ${after} ORDER BY created, event_id LIMIT ${PAGE}`,
    );
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = `WHERE (created, event_id) > (${Number(last['created'])}, ${literal(String(last['event_id']))})`;
  }
}
