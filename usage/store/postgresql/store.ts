import { randomUUID } from 'node:crypto';
import { toRow, whyNoRow, type TableEvent } from '../../../runtime/event-table/columns.ts';
import { migrate } from '../../../runtime/event-table/migrate.ts';
import { createPartitions, monthOf } from '../../../runtime/event-table/partitions.ts';
import { storeRows } from '../../../runtime/event-table/store.ts';
import { addressJudge, type AddressJudge, type Countries } from '../../rules/addresses.ts';
import { literal, type Period, type TableName } from '../../rules/dialect.ts';
import { DEFAULT_POLICY, type Policy } from '../../rules/policy.ts';
import { factsSql } from '../../rules/facts.ts';
import { verdictSql, type VerdictOptions } from '../../rules/verdict.ts';
import type { StoredEvent } from '../columns.ts';
import {
  isLater,
  newValuesSql,
  PLACEMENTS,
  seenSql,
  storeVerdictsSql,
  toldSql,
  verdictTables,
  type Placement,
} from '../derived.ts';
import { markPolicy } from '../policy-mark.ts';
import { inSlices } from '../slices.ts';
import type { CatalogPlaces, Contents, Ingested, OnProgress, UsageStore } from '../usage-store.ts';
import type { Engine } from '../engine.ts';
import { EVENT_COLUMNS, msOf, timeSql } from './dialect.ts';
import { PostgresEngine, type PostgresOptions } from './engine.ts';

/** Looks back this far, for transactions that were still open at the last look. */
const OVERLAP = "interval '10 minutes'";
const LOOKED_UNTIL = 'looked until';
const ADDRESS_JUDGE = 'address judge';

/** Tables derived from events alone. */
const DERIVED = ['agents', 'addresses', 'names'] as const satisfies readonly TableName[];

/** Options of the table, and the site's rules for counting. */
export interface PostgresStoreOptions extends PostgresOptions {
  readonly policy?: Policy | undefined;
  readonly countries?: Countries | undefined;
}

/**
 * Opens the table that the PostgreSQL sink fills, and makes what is missing.
 *
 * @throws PostgresSetupError if a newer version has migrated it
 */
export async function openPostgresStore({
  policy = DEFAULT_POLICY,
  countries,
  ...options
}: PostgresStoreOptions): Promise<UsageStore> {
  const engine = new PostgresEngine(options);
  try {
    await engine.withClient((client) => migrate(client, options.schema));
    const store = new PostgresStore(engine, policy, addressJudge(policy, countries));
    await store.tellExcluded();
    await markPolicy(store, policy, countries);
    return store;
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
  readonly #policy: Policy;
  readonly #judge: AddressJudge;

  constructor(engine: PostgresEngine, policy: Policy, judge: AddressJudge) {
    this.engine = engine;
    this.#policy = policy;
    this.#judge = judge;
    this.#events = `${engine.schema}.events`;
    this.#meta = `${engine.schema}.usage_meta`;
  }

  /** The sink's views must exclude the same users and agents. */
  async tellExcluded(): Promise<void> {
    const { users, agents } = this.#policy;
    const rows = [...users.map((user) => ['user', user]), ...agents.map((agent) => ['agent', agent])];
    await this.engine.inTransaction((within) => within.run(...this.#replaceSql('excluded', ['kind', 'value'], rows)));
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
    return `(${verdictSql(dialect, `(${factsSql(dialect, options.period, this.#policy)})`, options)})`;
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

  async place({ files, datasets }: CatalogPlaces): Promise<void> {
    const rows = [...datasets].map(({ dataset, space, collection, isOpen }) => [dataset, space, collection, isOpen]);
    await this.engine.inTransaction(async (within) => {
      await within.run(
        ...this.#replaceSql('catalog_files', ['file_id', 'dataset_id'], [...new Map(files)]),
        ...this.#replaceSql('catalog_datasets', ['dataset_id', 'space_id', 'collection_id', 'is_open'], rows),
      );
    });
  }

  async rebuild(onProgress?: OnProgress): Promise<void> {
    const { dialect } = this.engine;
    await this.engine.inTransaction(async (within) => {
      const now = await nowOf(within);
      await within.run(
        ...DERIVED.map((table) => `DELETE FROM ${dialect.table(table)}`),
        // Earlier ones come from events that retention has deleted.
        ...PLACEMENTS.map(
          ({ table }) =>
            `DELETE FROM ${dialect.table(table)} WHERE from_ms >= (SELECT coalesce(${msOf('min(created_at)')}, 0) FROM ${this.#events})`,
        ),
      );
      await inSlices(within, (period) => this.#look(within, dialect.events(period)), onProgress);
      await within.run(this.#setMark(LOOKED_UNTIL, now), this.#setMark(ADDRESS_JUDGE, this.#judge.id));
    });
  }

  async forget(userId: string, onProgress?: OnProgress): Promise<number> {
    const user = literal(userId);
    const salt = literal(randomUUID());
    const other = literal(`forgotten-${randomUUID()}`);
    let named = 0;
    await this.engine.inTransaction(async (within) => {
      await within.run(`DELETE FROM ${this.engine.dialect.table('names')} WHERE kind = 'user' AND id = ${user}`);
      await inSlices(
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
      );
    });
    return named;
  }

  /** The sink's retention drops months of the table. */
  async dropBefore(): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  /** Judges and places what came since the last look: the sink fills the table without notice. */
  async #lookAtNew(): Promise<void> {
    const since = `coalesce((SELECT value::timestamptz FROM ${this.#meta} WHERE name = ${literal(LOOKED_UNTIL)}), '-infinity') - ${OVERLAP}`;
    await this.engine.inTransaction(async (within) => {
      const now = await nowOf(within);
      await this.#judgeAddressesAnew(within);
      await this.#look(within, `(SELECT ${EVENT_COLUMNS} FROM ${this.#events} WHERE received_at >= ${since})`);
      await within.run(this.#setMark(LOOKED_UNTIL, now));
    });
  }

  /** Only if another judge did before. */
  async #judgeAddressesAnew(within: Engine): Promise<void> {
    const [kept] = await within.query(`SELECT value FROM ${this.#meta} WHERE name = ${literal(ADDRESS_JUDGE)}`);
    if (kept?.['value'] === this.#judge.id) return;
    await within.run(`DELETE FROM ${within.dialect.table('addresses')}`, this.#setMark(ADDRESS_JUDGE, this.#judge.id));
    await this.#judgeValues(within, `(SELECT ${EVENT_COLUMNS} FROM ${this.#events})`, 'addresses');
  }

  async #judgeValues(within: Engine, relation: string, only?: TableName): Promise<void> {
    for (const table of verdictTables(this.#judge)) {
      if (only !== undefined && table.table !== only) continue;
      const found = await within.query(newValuesSql(within.dialect, table, relation));
      await within.run(...storeVerdictsSql(within.dialect, table, found).map((sql) => `${sql} ON CONFLICT DO NOTHING`));
    }
  }

  async #look(within: Engine, relation: string): Promise<void> {
    await this.#judgeValues(within, relation);
    await within.run(...PLACEMENTS.map((placement) => this.#placeSql(placement, relation)), this.#nameSql(relation));
  }

  #placeSql(placement: Placement, relation: string): string {
    const { table, what, where } = placement;
    return `INSERT INTO ${this.engine.dialect.table(table)} AS p (${what}, ${where}, from_ms) ${seenSql(placement, relation)} ORDER BY 1, 2
ON CONFLICT (${what}, ${where}) DO UPDATE SET from_ms = least(p.from_ms, excluded.from_ms)`;
  }

  #nameSql(relation: string): string {
    return `INSERT INTO ${this.engine.dialect.table('names')} AS n (kind, id, name, told_ms) ${toldSql(relation)} ORDER BY 1, 2
ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, told_ms = excluded.told_ms WHERE ${isLater('excluded', 'n')}`;
  }

  #replaceSql(name: TableName, columns: readonly string[], rows: readonly unknown[]): readonly string[] {
    const table = this.engine.dialect.table(name);
    const values = columns
      .map((column, index) => `(value->>${index})${column === 'is_open' ? '::boolean' : ''}`)
      .join(', ');
    return [
      `DELETE FROM ${table}`,
      `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values} FROM jsonb_array_elements(${literal(JSON.stringify(rows))}::jsonb)`,
    ];
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
