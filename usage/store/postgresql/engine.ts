import type { Pool, PoolClient } from 'pg';
import { types } from 'pg';
import { createPool, inTransaction, withClient } from '../../../runtime/event-table/connection.ts';
import type { Dialect } from '../../rules/dialect.ts';
import type { AnswerRow, Engine } from '../engine.ts';
import { postgresDialect } from './dialect.ts';

export interface PostgresOptions {
  readonly url: string;
  /** Schema of the sink's table. */
  readonly schema: string;
  /** A longer question is cancelled; milliseconds. */
  readonly statementTimeoutMs: number;
}

const MAX_CONNECTIONS = 4;
/** int8 and numeric: counts and sums, which are whole numbers far below 2^53. */
const NUMBERS: ReadonlySet<number> = new Set([20, 1700]);
const PARSERS = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    NUMBERS.has(oid) ? Number : types.getTypeParser(oid, format),
};

/** A PostgreSQL server with the table that the sink fills. */
export class PostgresEngine implements Engine {
  readonly dialect: Dialect;
  readonly schema: string;
  readonly #pool: Pool;
  readonly #closing = new AbortController();

  constructor({ url, schema, statementTimeoutMs }: PostgresOptions) {
    this.dialect = postgresDialect(schema);
    this.schema = schema;
    this.#pool = createPool({ url, statementTimeoutMs, maxConnections: MAX_CONNECTIONS });
  }

  async query<Row extends AnswerRow>(sql: string): Promise<readonly Row[]> {
    return this.withClient((client) => rowsOf<Row>(client, sql));
  }

  async run(...statements: readonly string[]): Promise<void> {
    await this.inTransaction((within) => within.run(...statements));
  }

  async inTransaction<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    return this.withClient((client) => inTransaction(client, () => work(this.#within(client))));
  }

  async withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return withClient(this.#pool, this.#closing.signal, work);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#pool.end();
  }

  /** The engine for work in a transaction. */
  #within(client: PoolClient): Engine {
    return {
      dialect: this.dialect,
      query: <Row extends AnswerRow>(sql: string) => rowsOf<Row>(client, sql),
      run: async (...statements) => {
        for (const statement of statements) await client.query(statement);
      },
      inTransaction: () => Promise.reject(new Error('a transaction within a transaction')),
      close: () => Promise.reject(new Error('closed within a transaction')),
    };
  }
}

async function rowsOf<Row extends AnswerRow>(client: PoolClient, sql: string): Promise<readonly Row[]> {
  return (await client.query<Row>({ text: sql, types: PARSERS })).rows;
}
