import type { Pool, PoolClient } from 'pg';
import type { PostgresConfig } from './config.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import type { Sink, SinkContext, SinkEvent } from '../../sink.ts';
import { checkServer } from './check.ts';
import { toRow, whyNoRow } from '../../../runtime/event-table/columns.ts';
import { abortable, createPool, withClient } from '../../../runtime/event-table/connection.ts';
import { checkError, outcomeOf } from './errors.ts';
import { migrate } from '../../../runtime/event-table/migrate.ts';
import {
  createPartitions,
  dropMonthsBefore,
  monthBefore,
  monthOf,
  partitionsOf,
  type Month,
} from '../../../runtime/event-table/partitions.ts';
import { grantReader } from './reader.ts';
import { setReportZone } from './report-zone.ts';
import { storeRows } from '../../../runtime/event-table/store.ts';

/** Most connections: for batches sent at the same time, and one for housekeeping. */
const MAX_CONNECTIONS = 5;
const RETENTION_EVERY_MS = 60 * 60 * 1000;

/** Connects on demand; until then the server may be unreachable. */
export function openPostgres(config: PostgresConfig, context: SinkContext): Sink {
  const pool = createPool({
    url: config.url,
    statementTimeoutMs: config.statement_timeout_ms,
    maxConnections: MAX_CONNECTIONS,
  });
  return new PostgresSink(pool, config, context);
}

class PostgresSink implements Sink {
  readonly #pool: Pool;
  readonly #config: PostgresConfig;
  readonly #context: SinkContext;
  /** Brings the schema up to date once, for all waiting batches; undefined if it must be done again. */
  #ready: Promise<Set<Month>> | undefined;
  /** Aborts what runs beside the batches. */
  readonly #closing = new AbortController();
  #retention = Promise.resolve();
  #nextRetentionMs = 0;

  constructor(pool: Pool, config: PostgresConfig, context: SinkContext) {
    this.#pool = pool;
    this.#config = config;
    this.#context = context;
  }

  async check(signal: AbortSignal): Promise<string> {
    try {
      return await withClient(this.#pool, signal, (client) => checkServer(client, this.#config.schema));
    } catch (error) {
      throw checkError(error);
    }
  }

  async send(batch: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome> {
    const rejected = new Map<string, string>();
    const events = new Map<string, SinkEvent>();
    for (const event of batch) {
      const problem = whyNoRow(event);
      if (problem !== undefined) rejected.set(event.id, problem);
      else if (!events.has(event.id)) events.set(event.id, event);
    }
    if (events.size > 0) {
      const outcome = await this.#store([...events.values()], signal);
      if (outcome.kind !== 'accepted') return outcome;
    }
    this.#keepRetention();
    return rejected.size === 0 ? { kind: 'accepted' } : { kind: 'partial', rejected };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#retention;
    await this.#pool.end();
  }

  async #store(events: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome> {
    const { schema } = this.#config;
    let storing = false;
    let ready = false;
    try {
      const months = await this.#setUp(signal);
      ready = true;
      await withClient(this.#pool, signal, async (client) => {
        const missing = new Set(
          events.map(({ createdMs }) => monthOf(createdMs)).filter((month) => !months.has(month)),
        );
        if (missing.size > 0) await createPartitions(client, schema, missing);
        for (const month of missing) months.add(month);
        storing = true;
        await storeRows(client, schema, events.map(toRow));
      });
      return { kind: 'accepted' };
    } catch (error) {
      const outcome = outcomeOf(error, { blameEvents: storing });
      // Tables may be gone: check again before the next batch.
      if (ready && outcome.kind !== 'rejected') this.#ready = undefined;
      return outcome;
    }
  }

  /** The batch's signal does not abort the setup: migrating a large table may outlast a batch's time-out. */
  async #setUp(signal: AbortSignal): Promise<Set<Month>> {
    this.#ready ??= withClient(this.#pool, this.#closing.signal, (client) => this.#prepare(client));
    const ready = this.#ready;
    ready.catch(() => {
      if (this.#ready === ready) this.#ready = undefined;
    });
    return abortable(ready, signal);
  }

  async #prepare(client: PoolClient): Promise<Set<Month>> {
    const { schema, reader_role: role, time_zone: zone } = this.#config;
    const applied = await migrate(client, schema);
    if (applied.length > 0) this.#context.log.info({ schema, applied }, 'schema brought up to date');
    await setReportZone(client, schema, zone);
    const missing = await grantReader(client, schema, role);
    if (missing !== undefined)
      this.#context.log.warn(
        { schema, role, missing },
        'the reading role is not complete; as a superuser, run what is missing',
      );
    return new Set(await partitionsOf(client, schema));
  }

  /** Drops months that are too old, from time to time and without delaying batches. */
  #keepRetention(): void {
    const { retention_months: months } = this.#config;
    const now = this.#context.now();
    if (months === undefined || now < this.#nextRetentionMs) return;
    this.#nextRetentionMs = now + RETENTION_EVERY_MS;
    this.#retention = this.#dropMonthsBefore(monthBefore(now, months));
  }

  async #dropMonthsBefore(keepFrom: Month): Promise<void> {
    const { schema } = this.#config;
    try {
      const dropped = await withClient(this.#pool, this.#closing.signal, (client) =>
        dropMonthsBefore(client, schema, keepFrom),
      );
      if (dropped.length === 0) return;
      this.#context.log.info({ schema, dropped }, 'old months dropped');
      this.#ready = undefined;
    } catch (error) {
      this.#context.log.warn({ schema, reason: String(error) }, 'old months not dropped yet; trying again in an hour');
    }
  }
}
