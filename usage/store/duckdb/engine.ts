import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { errorText } from '../../../runtime/error-text.ts';
import { UsageStoreError } from '../errors.ts';
import type { AnswerRow, Engine } from '../engine.ts';
import { duckdbDialect } from './dialect.ts';

export interface DuckdbOptions {
  /** File of the store; in memory where it is left out. */
  readonly path?: string | undefined;
  /** What the database may keep in memory, bytes; beyond it works on disk. @default 400 MiB */
  readonly memoryBytes?: number | undefined;
  /** @default 2 */
  readonly threads?: number | undefined;
}

const DEFAULT_MEMORY_BYTES = 400 * 1024 * 1024;
const IN_MEMORY = ':memory:';

/** DuckDB within this process. Questions have a connection of their own: none waits for what is being written. */
export class DuckdbEngine implements Engine {
  readonly dialect = duckdbDialect;
  readonly #instance: DuckDBInstance;
  readonly #reading: DuckDBConnection;
  /** Of what is written: one thing at a time. */
  readonly writing: DuckDBConnection;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, reading: DuckDBConnection, writing: DuckDBConnection) {
    this.#instance = instance;
    this.#reading = reading;
    this.writing = writing;
  }

  /** @throws UsageStoreError where another process has the file, or it is none of ours */
  static async open({ path, memoryBytes, threads = 2 }: DuckdbOptions): Promise<DuckdbEngine> {
    const instance = await DuckDBInstance.create(path ?? IN_MEMORY, {
      memory_limit: `${Math.round((memoryBytes ?? DEFAULT_MEMORY_BYTES) / 1024)}KiB`,
      threads: String(threads),
      preserve_insertion_order: 'false',
      // Nothing is fetched from anywhere.
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    }).catch((error: unknown) => {
      throw openError(path ?? IN_MEMORY, error);
    });
    return new DuckdbEngine(instance, await instance.connect(), await instance.connect());
  }

  async query<Row extends AnswerRow>(sql: string): Promise<readonly Row[]> {
    return rowsOf<Row>(this.#reading, sql);
  }

  async run(...statements: readonly string[]): Promise<void> {
    await this.#inTurn(async () => {
      for (const statement of statements) await this.writing.run(statement);
    });
  }

  async inTransaction<T>(work: (engine: Engine) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.writing.run('BEGIN');
      try {
        const result = await work(this.#within());
        await this.writing.run('COMMIT');
        return result;
      } catch (error) {
        // Where the transaction is over already, there is nothing to take back.
        await this.writing.run('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    this.#reading.closeSync();
    this.writing.closeSync();
    this.#instance.closeSync();
  }

  /** The engine as the work of a transaction sees it. */
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

function openError(path: string, error: unknown): UsageStoreError {
  const said = errorText(error);
  if (/lock/i.test(said))
    return new UsageStoreError(
      'in_use',
      `${path} is in use by another process: the collector's, where it runs. Stop it, or run it with USAGE=off meanwhile`,
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
