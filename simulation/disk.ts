import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { JournalReader } from '../collector/journal/reader.ts';
import { prepareForWriting } from '../collector/journal/schema.ts';
import { serveStore, type FromWriter, type ToWriter, type WriterPort } from '../collector/journal/serve-store.ts';
import { JournalStore, type StoreOptions } from '../collector/journal/store.ts';
import type { JournalParts, JournalWriter } from '../collector/journal/journal.ts';
import { KEY_RULE } from '../collector/intake/intake-keys.ts';
import type { VirtualTime } from './virtual-time.ts';

const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|COMMIT)/i;
const SQLITE_FULL = 13;
/** Small, so that a simulation of some minutes has many. */
const SEGMENT_SIZE = { keys: 20, spanMs: 20_000 };

/** The disk under the journal: what is committed stays, whatever becomes of the process. */
export class Disk {
  full = false;
  slowMs = 1;
  /** Power goes at this write from now on; it is done or not. */
  cutAt: { writes: number; readonly isDone: boolean } | undefined;
  /** Power is gone: no write comes through until the next process. */
  isDead = false;
  readonly database = prepareForWriting(new DatabaseSync(':memory:'));
  readonly #time: VirtualTime;
  readonly #onCut: () => void;

  constructor(time: VirtualTime, onCut: () => void) {
    this.#time = time;
    this.#onCut = onCut;
  }

  /** What a transaction left behind is rolled back, as it is when the file is opened the next time. */
  recover(): void {
    this.isDead = false;
    this.cutAt = undefined;
    if (this.database.isTransaction) this.database.exec('ROLLBACK');
  }

  readonly parts: JournalParts = {
    startWriter: (options) => this.#startWriter(options),
    openReader: () => new JournalReader(withoutClose(this.database)),
    watch: () => () => true,
  };

  /** Like the worker's thread: messages cross in order, and take the time of the disk. */
  #startWriter(options: StoreOptions): JournalWriter {
    const toMain = new Map<string, (value: never) => void>();
    let toStore: (message: ToWriter) => void = () => undefined;
    const send = (event: string, value: unknown): void => {
      if (!this.isDead) setImmediate(() => toMain.get(event)?.(value as never));
    };
    const port: WriterPort = {
      on: (_event, listener) => (toStore = listener),
      postMessage: (message: FromWriter) => send('message', message),
      close: () => send('exit', 0),
    };
    setImmediate(() => {
      try {
        serveStore(
          new JournalStore({ ...options, database: this.#faulty(), keyRule: KEY_RULE, segmentSize: SEGMENT_SIZE }),
          port,
        );
      } catch (error) {
        send('error', error);
      }
    });
    return {
      postMessage: (message) => void setTimeout(() => toStore(message), this.slowMs),
      on: (event: string, listener: (value: never) => void) => toMain.set(event, listener),
    };
  }

  /** The database as a process sees it. */
  #faulty(): DatabaseSync {
    const { database } = this;
    const write = <T>(sql: string, run: () => T): T => (WRITES.test(sql) ? this.#write(run) : run());
    const faulty: Pick<DatabaseSync, 'exec' | 'prepare' | 'close' | 'isTransaction'> = {
      exec: (sql) => write(sql, () => database.exec(sql)),
      prepare: (sql) => {
        const statement = database.prepare(sql);
        const wrapped: Pick<StatementSync, 'run' | 'get' | 'all' | 'iterate'> = {
          run: (...values: []) => write(sql, () => statement.run(...values)),
          get: (...values: []) => write(sql, () => statement.get(...values)),
          all: (...values: []) => write(sql, () => statement.all(...values)),
          iterate: (...values: []) => write(sql, () => statement.iterate(...values)),
        };
        return wrapped as StatementSync;
      },
      close: () => undefined,
      get isTransaction() {
        return database.isTransaction;
      },
    };
    return faulty as DatabaseSync;
  }

  #write<T>(run: () => T): T {
    if (this.isDead) throw new Error('the power is gone');
    if (this.cutAt !== undefined) {
      this.cutAt.writes -= 1;
      if (this.cutAt.writes <= 0) {
        if (this.cutAt.isDone) run();
        this.isDead = true;
        this.#time.later(1, this.#onCut);
        throw new Error('the power went');
      }
    }
    if (this.full) throw Object.assign(new Error('database or disk is full'), { errcode: SQLITE_FULL });
    return run();
  }
}

/** The reader goes with its process, the database does not. */
function withoutClose(database: DatabaseSync): DatabaseSync {
  return new Proxy(database, {
    get: (target, name) => {
      if (name === 'close') return () => undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
