import { randomUUID } from 'node:crypto';
import { toRow, whyNoRow, type TableEvent } from '../../../runtime/event-table/columns.ts';
import { migrate } from '../../../runtime/event-table/migrate.ts';
import { createPartitions, monthOf } from '../../../runtime/event-table/partitions.ts';
import { storeRows } from '../../../runtime/event-table/store.ts';
import { literal, type Period } from '../../rules/dialect.ts';
import { factsSql } from '../../rules/facts.ts';
import { verdictSql, type VerdictOptions } from '../../rules/verdict.ts';
import type { StoredEvent } from '../columns.ts';
import { newAgentsSql, seenPlacementsSql, storeAgentsSql } from '../derived.ts';
import { inSlices } from '../slices.ts';
import type { Contents, Ingested, OnProgress, UsageStore } from '../usage-store.ts';
import type { Engine } from '../engine.ts';
import { EVENT_COLUMNS, msOf, timeSql } from './dialect.ts';
import { PostgresEngine, type PostgresOptions } from './engine.ts';

/** What was stored in a transaction that began so long ago and is not over yet is looked at again. */
const OVERLAP = "interval '10 minutes'";
const LOOKED_UNTIL = 'looked until';

/**
 * Opens the table that the PostgreSQL sink fills, and makes what is missing.
 *
 * @throws PostgresSetupError where a newer version has been at work
 */
export async function openPostgresStore(options: PostgresOptions): Promise<UsageStore> {
  const engine = new PostgresEngine(options);
  try {
    await engine.withClient((client) => migrate(client, options.schema));
    return new PostgresStore(engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

class PostgresStore implements UsageStore {
  readonly engine: PostgresEngine;
  readonly isShared = false;
  readonly #events: string;
  readonly #meta: string;

  constructor(engine: PostgresEngine) {
    this.engine = engine;
    this.#events = `${engine.schema}.events`;
    this.#meta = `${engine.schema}.usage_meta`;
  }

  async ingest(events: readonly StoredEvent[], marks: Readonly<Record<string, string>> = {}): Promise<Ingested> {
    const { schema } = this.engine;
    const unique = new Map(events.map((event) => [event.event_id, event] as const).toReversed());
    const rows = [...unique.values()].map(tableEvent).filter((event) => whyNoRow(event) === undefined);
    return this.engine.withClient(async (client) => {
      await createPartitions(client, schema, new Set(rows.map(({ createdMs }) => monthOf(createdMs))));
      const stored = await storeRows(
        client,
        schema,
        rows.map(toRow),
        Object.entries(marks).map(([name, value]) => this.#setMark(name, value)),
      );
      return { stored, known: events.length - stored };
    });
  }

  async mark(name: string): Promise<string | undefined> {
    const [row] = await this.engine.query(`SELECT value FROM ${this.#meta} WHERE name = ${literal(name)}`);
    return row === undefined ? undefined : String(row['value']);
  }

  async verdicts(options: VerdictOptions): Promise<string> {
    await this.#lookAtNew();
    const { dialect } = this.engine;
    return `(${verdictSql(dialect, `(${factsSql(dialect, options.period)})`, options)})`;
  }

  events(period: Period): string {
    return this.engine.dialect.events(period);
  }

  async contents(): Promise<Contents> {
    const [row] = await this.engine.query(
      `SELECT count(*) AS events, ${msOf('min(created_at)')} AS first, ${msOf('max(created_at)')} AS last FROM ${this.#events}`,
    );
    const events = Number(row?.['events'] ?? 0);
    return events === 0 ? { events } : { events, firstMs: Number(row?.['first']), lastMs: Number(row?.['last']) };
  }

  async placeFiles(files: Iterable<readonly [string, string]>): Promise<void> {
    const table = this.engine.dialect.table('catalog_files');
    const rows = JSON.stringify([...new Map(files)]);
    await this.engine.run(
      `WITH gone AS (DELETE FROM ${table} WHERE file_id NOT IN (SELECT value->>0 FROM jsonb_array_elements(${literal(rows)}::jsonb)))
       INSERT INTO ${table} (file_id, dataset_id) SELECT value->>0, value->>1 FROM jsonb_array_elements(${literal(rows)}::jsonb)
       ON CONFLICT (file_id) DO UPDATE SET dataset_id = excluded.dataset_id`,
    );
  }

  async rebuild(onProgress?: OnProgress): Promise<void> {
    const { dialect } = this.engine;
    await this.engine.inTransaction(async (within) => {
      const now = await nowOf(within);
      await within.run(`DELETE FROM ${dialect.table('agents')}`, `DELETE FROM ${dialect.table('placements')}`);
      await inSlices(within, (period) => this.#look(within, dialect.events(period)), onProgress);
      await within.run(this.#setMark(LOOKED_UNTIL, now));
    });
  }

  async forget(userId: string, onProgress?: OnProgress): Promise<number> {
    const user = literal(userId);
    const salt = literal(randomUUID());
    const other = literal(`forgotten-${randomUUID()}`);
    let named = 0;
    await this.engine.inTransaction((within) =>
      inSlices(
        within,
        async ({ fromMs, toMs }) => {
          const [row] = await within.query<{ n: number }>(`
        WITH forgotten AS (UPDATE ${this.#events} SET
          user_id = CASE WHEN user_id = ${user} THEN ${other} ELSE user_id END,
          user_name = CASE WHEN user_id = ${user} THEN NULL ELSE user_name END,
          client_id = CASE WHEN user_id = ${user} THEN NULL ELSE client_id END,
          client_address = CASE WHEN user_id = ${user} THEN NULL ELSE client_address END,
          session_id = CASE WHEN user_id = ${user} THEN 'forgotten-' || md5(${salt} || session_id) ELSE session_id END,
          author_id = nullif(author_id, ${user}),
          author_name = CASE WHEN author_id = ${user} THEN NULL ELSE author_name END
        WHERE (user_id = ${user} OR author_id = ${user}) AND created_at >= ${timeSql(fromMs)} AND created_at < ${timeSql(toMs)}
        RETURNING 1) SELECT count(*) AS n FROM forgotten`);
          named += row?.n ?? 0;
        },
        onProgress,
      ),
    );
    return named;
  }

  /** Months of the table go with the retention of the sink. */
  async dropBefore(): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  /** Judges user agents and places files that came since the last look: the sink fills the table, and does not tell. */
  async #lookAtNew(): Promise<void> {
    const since = `coalesce((SELECT value::timestamptz FROM ${this.#meta} WHERE name = ${literal(LOOKED_UNTIL)}), '-infinity') - ${OVERLAP}`;
    await this.engine.inTransaction(async (within) => {
      const now = await nowOf(within);
      await this.#look(within, `(SELECT ${EVENT_COLUMNS} FROM ${this.#events} WHERE received_at >= ${since})`);
      await within.run(this.#setMark(LOOKED_UNTIL, now));
    });
  }

  async #look(within: Engine, relation: string): Promise<void> {
    const { dialect } = this.engine;
    const agents = await within.query<{ user_agent: string }>(newAgentsSql(dialect, relation));
    await within.run(
      ...storeAgentsSql(
        dialect,
        agents.map((row) => row.user_agent),
      ).map((sql) => `${sql} ON CONFLICT DO NOTHING`),
      `INSERT INTO ${dialect.table('placements')} AS p (file_id, dataset_id, from_ms) ${seenPlacementsSql(relation)} ORDER BY 1, 2
       ON CONFLICT (file_id, dataset_id) DO UPDATE SET from_ms = least(p.from_ms, excluded.from_ms)`,
    );
  }

  #setMark(name: string, value: string): string {
    return `INSERT INTO ${this.#meta} (name, value) VALUES (${literal(name)}, ${literal(value)}) ON CONFLICT (name) DO UPDATE SET value = excluded.value`;
  }
}

async function nowOf(within: Engine): Promise<string> {
  const [row] = await within.query<{ now: string }>('SELECT now()::text AS now');
  return row?.now ?? '';
}

function tableEvent(event: StoredEvent): TableEvent {
  const fields = event as TableEvent['fields'];
  return { id: event.event_id, type: event.event, createdMs: event.created, fields };
}
