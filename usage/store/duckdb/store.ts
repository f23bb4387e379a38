import { setTimeout } from 'node:timers/promises';
import { DuckDBDataChunk, type DuckDBAppender, type DuckDBType } from '@duckdb/node-api';
import { addressJudge, type AddressJudge, type Countries } from '../../rules/addresses.ts';
import { literal, type Period } from '../../rules/dialect.ts';
import { DEFAULT_POLICY, type Policy } from '../../rules/policy.ts';
import { verdictSql, type VerdictOptions } from '../../rules/verdict.ts';
import { COLUMN_NAMES, COLUMNS, toRow, type StoredEvent, type Value } from '../columns.ts';
import type { Engine } from '../engine.ts';
import { inSlices } from '../slices.ts';
import type { CatalogPlaces, Contents, Ingested, OnProgress, UsageStore } from '../usage-store.ts';
import { DuckdbEngine, type DuckdbOptions } from './engine.ts';
import { PLACEMENTS } from '../derived.ts';
import { markPolicy } from '../policy-mark.ts';
import { forgetDaySumsSql } from './day-sums.ts';
import { derive } from './derive.ts';
import { dropWordsSql, markAllStale, markStale, prepareFacts, refreshFacts } from './fact-table.ts';
import { forgetUser } from './forget.ts';
import { forgetVisitsSql } from './visits.ts';
import { INCOMING, jobEventsSql, prepareSchema } from './schema.ts';

/** Two minutes: no question takes longer. */
const CHECKPOINT_TRIES = 240;
const CHECKPOINT_PAUSE_MS = 500;
/** Rows in a chunk, the size of DuckDB's vectors. */
const CHUNK_ROWS = 2048;
const STORED = ['event_id', 'created', 'event', ...COLUMN_NAMES, 'data'];
const CASTS = ['event_id', 'created::BIGINT AS created', 'event', ...COLUMN_NAMES.map((name) => (COLUMNS[name] === 'whole' ? `${name}::BIGINT AS ${name}` : name)), 'data']; // prettier-ignore

/** Tables derived from events alone. */
const DERIVED = ['agents', 'addresses', 'names'];

/** Placements that the stored events show again; earlier ones come from events that retention has deleted. */
const SEEN_AGAIN = 'from_ms >= (SELECT coalesce(min(created), 0) FROM events)';

/** The first of those that share an id, if the id is not stored yet. */
const FRESH = `
SELECT ${CASTS.join(', ')}, hash(event_id) AS id_key
FROM (SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY created) AS nth FROM incoming) i
WHERE nth = 1 AND event_id NOT IN (
  SELECT e.event_id FROM events e WHERE e.id_key IN (SELECT hash(event_id) FROM incoming))`;

/** Options of the store, and the site's rules for counting. */
export interface DuckdbStoreOptions extends DuckdbOptions {
  readonly policy?: Policy | undefined;
  readonly countries?: Countries | undefined;
}

/**
 * Opens the store in a file, or in memory if none is named. What another policy judged is judged again.
 *
 * @throws UsageStoreError if another process has the store, or a newer version made it
 */
export async function openDuckdbStore({
  policy = DEFAULT_POLICY,
  countries,
  ...options
}: DuckdbStoreOptions = {}): Promise<UsageStore> {
  const engine = await DuckdbEngine.open(options);
  try {
    const isOlder = await prepareSchema(engine, options.path ?? 'the store');
    await prepareFacts(engine, policy);
    await engine.writing.run(INCOMING);
    const store = new DuckdbStore(engine, policy, addressJudge(policy, countries));
    await (isOlder ? store.rebuild() : store.judgeAddresses());
    await markPolicy(store, policy, countries);
    return store;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

class DuckdbStore implements UsageStore {
  readonly engine: DuckdbEngine;
  readonly isShared = false;
  readonly #policy: Policy;
  readonly #judge: AddressJudge;

  constructor(engine: DuckdbEngine, policy: Policy, judge: AddressJudge) {
    this.engine = engine;
    this.#policy = policy;
    this.#judge = judge;
  }

  /** Judges the addresses anew if another judge did before. */
  async judgeAddresses(): Promise<void> {
    const [kept] = await this.engine.query("SELECT value FROM meta WHERE name = 'address judge'");
    if (kept?.['value'] === this.#judge.id) return;
    await this.engine.inTransaction(async (within) => {
      await within.run('DELETE FROM addresses');
      await derive(within, this.#judge, 'events');
      await within.run(`INSERT OR REPLACE INTO meta VALUES ('address judge', ${literal(this.#judge.id)})`);
      await markAllStale(within);
    });
  }

  async ingest(events: readonly StoredEvent[], marks: Readonly<Record<string, string>> = {}): Promise<Ingested> {
    return this.engine.inTransaction(async (within) => {
      const stored = events.length === 0 ? 0 : await this.#store(within, events);
      for (const [name, value] of Object.entries(marks))
        await within.run(`INSERT OR REPLACE INTO meta VALUES (${literal(`mark ${name}`)}, ${literal(value)})`);
      return { stored, known: events.length - stored };
    });
  }

  async mark(name: string): Promise<string | undefined> {
    const [row] = await this.engine.query(`SELECT value FROM meta WHERE name = ${literal(`mark ${name}`)}`);
    return row === undefined ? undefined : String(row['value']);
  }

  async verdicts(options: VerdictOptions): Promise<string> {
    await refreshFacts(this.engine, this.#policy);
    return `(${verdictSql(this.engine.dialect, 'facts', options)})`;
  }

  events(period: Period): string {
    return this.engine.dialect.events(period);
  }

  async contents(): Promise<Contents> {
    const [row] = await this.engine.query(
      'SELECT count(*) AS events, min(created) AS first, max(created) AS last FROM events',
    );
    const events = Number(row?.['events'] ?? 0);
    return events === 0 ? { events } : { events, firstMs: Number(row?.['first']), lastMs: Number(row?.['last']) };
  }

  async place({ files, datasets }: CatalogPlaces): Promise<void> {
    await this.engine.inTransaction(async (within) => {
      await within.run('DELETE FROM catalog_files', 'DELETE FROM catalog_datasets');
      await this.#fill('catalog_files', new Map(files));
      await this.#fill(
        'catalog_datasets',
        [...datasets].map(({ dataset, space, collection, isOpen }) => [dataset, space, collection, isOpen]),
      );
      await markAllStale(within);
    });
  }

  async rebuild(onProgress: OnProgress = () => undefined): Promise<void> {
    // Judging is half of the work, computing the facts the other half.
    await this.engine.inTransaction(async (within) => {
      await within.run(
        ...DERIVED.map((table) => `DELETE FROM ${table}`),
        ...PLACEMENTS.map(({ table }) => `DELETE FROM ${table} WHERE ${SEEN_AGAIN}`),
      );
      const { dialect } = this.engine;
      await within.run('DELETE FROM job_events', `INSERT INTO job_events ${jobEventsSql('events')}`);
      await inSlices(within, (period) => derive(within, this.#judge, dialect.events(period)), (done, total) => onProgress(done / 2, total)); // prettier-ignore
      await within.run(`INSERT OR REPLACE INTO meta VALUES ('address judge', ${literal(this.#judge.id)})`);
      await markAllStale(within);
    });
    await refreshFacts(this.engine, this.#policy, (done, total) => onProgress((done + total) / 2, total));
  }

  async forget(userId: string, onProgress?: OnProgress): Promise<number> {
    const named = await this.engine.inTransaction(async (within) => {
      const count = await forgetUser(within, userId, onProgress);
      // Ids and names of users are words too.
      await within.run(
        'DELETE FROM facts',
        'DELETE FROM words',
        `DELETE FROM names WHERE kind = 'user' AND id = ${literal(userId)}`,
      );
      await markAllStale(within);
      return count;
    });
    await this.#checkpoint();
    return named;
  }

  async dropBefore(ms: number): Promise<number> {
    return this.engine.inTransaction(async (within) => {
      const [row] = await within.query(`SELECT count(*) AS n FROM events WHERE created < ${ms}`);
      await within.run(
        `DELETE FROM events WHERE created < ${ms}`,
        `DELETE FROM facts WHERE created < ${ms}`,
        `DELETE FROM job_events WHERE created < ${ms}`,
        ...forgetVisitsSql(ms),
        ...forgetDaySumsSql(within, ms),
        `DELETE FROM names WHERE told_ms < ${ms}`,
      );
      const dropped = Number(row?.['n'] ?? 0);
      if (dropped > 0) await within.run(dropWordsSql());
      return dropped;
    });
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  /**
   * Until the checkpoint, the file holds the old data. A long question prevents it: writing goes on, and the checkpoint is
   * tried again.
   */
  async #checkpoint(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.engine.run('CHECKPOINT');
        return;
      } catch (error) {
        if (tries >= CHECKPOINT_TRIES)
          throw new Error(
            'The user is removed from all events. A long query keeps the file from being rewritten: until the process that has the store ends, the file still contains the old data',
            { cause: error },
          );
        await setTimeout(CHECKPOINT_PAUSE_MS);
      }
    }
  }

  async #fill(table: string, rows: Iterable<readonly (string | boolean | undefined)[]>): Promise<void> {
    const appender = await this.engine.writing.createAppender(table);
    for (const row of rows) {
      for (const value of row)
        if (value === undefined) appender.appendNull();
        else if (typeof value === 'boolean') appender.appendBoolean(value);
        else appender.appendVarchar(value);
      appender.endRow();
    }
    appender.closeSync();
  }

  async #store(within: Engine, events: readonly StoredEvent[]): Promise<number> {
    await within.run('DELETE FROM incoming');
    const appender = await this.engine.writing.createAppender('incoming');
    append(appender, events);
    appender.closeSync();
    await within.run(`CREATE OR REPLACE TEMPORARY TABLE fresh AS ${FRESH}`);
    await derive(within, this.#judge, 'fresh');
    await markStale(within, 'fresh');
    await within.run(`INSERT INTO events (${STORED.join(', ')}, id_key) SELECT * FROM fresh ORDER BY created`);
    await within.run(`INSERT INTO job_events ${jobEventsSql('fresh')}`);
    const [count] = await within.query('SELECT count(*) AS n FROM fresh');
    return Number(count?.['n'] ?? 0);
  }
}

function append(appender: DuckDBAppender, events: readonly StoredEvent[]): void {
  const types = STORED.map((_, index) => appender.columnType(index));
  for (let at = 0; at < events.length; at += CHUNK_ROWS)
    appender.appendDataChunk(chunkOf(types, events.slice(at, at + CHUNK_ROWS)));
}

function chunkOf(types: readonly DuckDBType[], events: readonly StoredEvent[]): DuckDBDataChunk {
  const columns: Value[][] = types.map(() => []);
  for (const event of events) toRow(event).forEach((value, index) => columns[index]?.push(value));
  const chunk = DuckDBDataChunk.create(types, events.length);
  columns.forEach((values, index) => chunk.setColumnValues(index, values));
  return chunk;
}
