import { chmodSync } from 'node:fs';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { errorText } from '../../../runtime/error-text.ts';
import { USAGE_MEMORY_BYTES } from '../../ask/settings.ts';
import { UsageStoreError } from '../errors.ts';
import type { AnswerRow, Engine } from '../engine.ts';
import { duckdbDialect } from './dialect.ts';

export interface DuckdbOptions {
  /** File of the store; in memory if left out. */
  readonly path?: string | undefined;
  /** Most memory for the database, in bytes; beyond that, it works on disk. @default 320 MiB */
  readonly memoryBytes?: number | undefined;
  /** @default 2 */
  readonly threads?: number | undefined;
}

const IN_MEMORY = ':memory:';

/** How many questions are answered at once; more wait. */
const MOST_READING = 4;

/** DuckDB in this process. Questions have their own connections, so they wait neither for writing nor for a long question. */
export class DuckdbEngine implements Engine {
  readonly dialect = duckdbDialect;
  readonly #instance: DuckDBInstance;
  readonly #idle: DuckDBConnection[] = [];
  readonly #queue: ((connection: DuckDBConnection) => void)[] = [];
  #reading = 0;
  /** Connection for writing, one task at a time. */
  readonly writing: DuckDBConnection;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, writing: DuckDBConnection) {
    this.#instance = instance;
    this.writing = writing;
  }

  /** @throws UsageStoreError if another process has the file, or the file is not ours */
  static async open({ path, memoryBytes, threads = 2 }: DuckdbOptions): Promise<DuckdbEngine> {
    // Created with these rights, not changed afterwards: nobody else must get in between.
    const mask = path === undefined ? undefined : process.umask(0o077);
    const instance = await DuckDBInstance.create(path ?? IN_MEMORY, {
      memory_limit: `${Math.round((memoryBytes ?? USAGE_MEMORY_BYTES) / 1024)}KiB`,
      threads: String(threads),
      preserve_insertion_order: 'false',
      // Never downloads anything.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
      .catch((error: unknown) => {
        throw openError(path ?? IN_MEMORY, error);
      })
      .finally(() => mask !== undefined && process.umask(mask));
    if (path !== undefined) takeFromOthers(path);
    return new DuckdbEngine(instance, await instance.connect());
  }

  async query<Row extends AnswerRow>(sql: string): Promise<readonly Row[]> {
    const connection = await this.#reader();
    try {
      return await rowsOf<Row>(connection, sql);
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#idle.push(connection);
      else next(connection);
    }
  }

  async run(...statements: readonly string[]): Promise<void> {
    const [only] = statements;
    if (only === undefined) return;
    // Some statements are not allowed in a transaction.
    if (statements.length === 1) await this.#inTurn(() => this.writing.run(only));
    else await this.inTransaction((within) => within.run(...statements));
  }

  async inTransaction<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.writing.run('BEGIN');
      try {
        const result = await work(this.#within());
        await this.writing.run('COMMIT');
        return result;
      } catch (error) {
        // If the transaction is already over, there is nothing to roll back.
        await this.writing.run('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    for (const connection of this.#idle.splice(0)) connection.closeSync();
    this.writing.closeSync();
    this.#instance.closeSync();
  }

  async #reader(): Promise<DuckDBConnection> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#reading === MOST_READING) return new Promise((resolve) => void this.#queue.push(resolve));
    this.#reading += 1;
    return this.#instance.connect();
  }

  /** The engine for work in a transaction. */
  #within(): Engine {
    const { writing, dialect } = this;
    return {
      dialect,
      query: <Row extends AnswerRow>(sql: string) => rowsOf<Row>(writing, sql),
      run: async (...statements) => {
        for (const statement of statements) await writing.run(statement);
      },
      inTransaction: () => Promise.reject(new Error('a transaction within a transaction')),
      close: () => Promise.reject(new Error('closed within a transaction')),
    };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

async function rowsOf<Row extends AnswerRow>(connection: DuckDBConnection, sql: string): Promise<readonly Row[]> {
  const reader = await connection.runAndReadAll(sql);
  const names = reader.deduplicatedColumnNames();
  return reader.getRowsJS().map((values) => {
    const row: Record<string, AnswerRow[string]> = {};
    names.forEach((name, index) => {
      const value = values[index];
      row[name] = typeof value === 'bigint' ? Number(value) : (value as AnswerRow[string]);
    });
    return row as Row;
  });
}

/** A store says who did what, so only this user may read it. On another user's file, that user decides. */
function takeFromOthers(path: string): void {
  for (const file of [path, `${path}.wal`])
    try {
      chmodSync(file, 0o600);
    } catch {
      // The file is another user's, or missing.
    }
}

function openError(path: string, error: unknown): UsageStoreError {
  const said = errorText(error);
  if (/lock/i.test(said))
    return new UsageStoreError(
      'in_use',
      `${path} is in use by another process, which does not answer: another command, or one that is starting. Run this one again when that is done`,
      {
        cause: error,
      },
    );
  return new UsageStoreError(
    'unusable',
    `${path} cannot be opened as a usage store: ${said}. Move it away, and "clowder-otel usage import" makes a new one`,
    { cause: error },
  );
}
