import { createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { csvOf } from '../runtime/csv.ts';
import { literal, type Period } from './rules/dialect.ts';
import { monthsPeriod } from './rules/time-zone.ts';
import { COLUMN_NAMES, fromRow } from './store/columns.ts';
import { openDuckdbStore } from './store/duckdb/store.ts';
import { EVER } from './store/slices.ts';
import type { OnProgress, UsageStore } from './store/usage-store.ts';

export type ExportFormat = 'parquet' | 'ndjson' | 'csv';

export interface ExportOptions {
  readonly format: ExportFormat;
  readonly out: string;
  /** Months in UTC, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly onProgress: OnProgress;
}

const PAGE = 20_000;
const COLUMNS = ['event_id', 'created', 'event', ...COLUMN_NAMES, 'data'];
/** Events are read by time in steps of this length, so that no query scans all of them. */
const STEP_MS = 24 * 60 * 60 * 1000;

/**
 * Writes the events to a file in order of time. The file appears only once it is complete.
 *
 * @returns the number of events
 */
export async function exportEvents(store: UsageStore, options: ExportOptions): Promise<number> {
  const out = resolve(options.out);
  const { from, to } = options;
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
  const total = await countOf(store, period);
  async function* texts(): AsyncGenerator<string> {
    if (format === 'csv') yield csvOf(COLUMNS, []);
    for await (const page of pagesOf(store, period)) {
      yield format === 'csv'
        ? csvOf(COLUMNS, page).replace(/^[^\r]*\r\n/, '')
        : page.map((row) => `${JSON.stringify(fromRow(row))}\n`).join('');
      events += page.length;
      onProgress(events, total);
    }
  }
  await pipeline(Readable.from(texts()), createWriteStream(path));
  return events;
};

const writeParquet: Write = async (store, period, path, { onProgress }) => {
  const total = await countOf(store, period);
  if (store.engine.dialect.name === 'duckdb' && !store.isShared) {
    const sql = `SELECT ${COLUMNS.join(', ')} FROM ${store.events(period)} e`;
    await store.engine.run(`COPY (${sql} ORDER BY created, event_id) TO ${literal(path)} (FORMAT parquet)`);
    return total;
  }
  // PostgreSQL writes no Parquet, and the process that has the store would write files as another user: DuckDB does it here, in
  // a store of our own.
  const between = await openDuckdbStore({ path: `${path}.duckdb` });
  try {
    let events = 0;
    for await (const page of pagesOf(store, period)) {
      events += (await between.ingest(page.map(fromRow))).stored;
      onProgress(events, total);
    }
    return await writeParquet(between, EVER, path, { format: 'parquet', out: path, onProgress: () => undefined });
  } finally {
    await between.close();
  }
};

async function countOf(store: UsageStore, period: Period): Promise<number> {
  const [row] = await store.engine.query<{ n: number }>(`SELECT count(*) AS n FROM ${store.events(period)} e`);
  return row?.n ?? 0;
}

type EventRow = Readonly<Record<string, string | number | boolean | null>>;

/** Pages of events in order, however many there are. */
async function* pagesOf(store: UsageStore, period: Period): AsyncGenerator<readonly EventRow[]> {
  for (
    let from = await firstFrom(store, period);
    from !== undefined;
    from = await firstFrom(store, { fromMs: from + STEP_MS, toMs: period.toMs })
  )
    // prettier-ignore
    yield* pagesWithin(store, { fromMs: from, toMs: Math.min(from + STEP_MS, period.toMs) });
}

async function firstFrom(store: UsageStore, { fromMs, toMs }: Period): Promise<number | undefined> {
  const [row] = await store.engine.query<{ first: number | null }>(
    `SELECT min(created) AS first FROM ${store.events({ fromMs: Math.min(fromMs, toMs), toMs })} e`,
  );
  return row?.first ?? undefined;
}

async function* pagesWithin(store: UsageStore, period: Period): AsyncGenerator<readonly EventRow[]> {
  let after = '';
  for (;;) {
    const page = await store.engine.query<EventRow>(
      `SELECT ${COLUMNS.join(', ')} FROM ${store.events(period)} e ${after} ORDER BY created, event_id LIMIT ${PAGE}`,
    );
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < PAGE) return;
    after = `WHERE (created, event_id) > (${Number(last['created'])}, ${literal(String(last['event_id']))})`;
  }
}
