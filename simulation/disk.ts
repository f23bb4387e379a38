import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { giveUpWhereNothingIsLeft } from '../collector/journal/ballast.ts';
import { JournalReader } from '../collector/journal/reader.ts';
import { prepareForWriting } from '../collector/journal/schema.ts';
import { serveStore, type FromWriter, type ToWriter, type WriterPort } from '../collector/journal/serve-store.ts';
import { GuardedStore, type GuardedFiles } from '../collector/journal/guarded-store.ts';
import type { Mark } from '../collector/journal/mark.ts';
import { JournalStore, type StoreOptions } from '../collector/journal/store.ts';
import type { JournalParts, JournalWriter } from '../collector/journal/journal.ts';
import { KEY_RULE } from '../collector/intake/intake-keys.ts';
import { DiskSpace } from './disk-space.ts';
import type { VirtualTime } from './virtual-time.ts';

const CHANGES = /^\s*(?:INSERT|UPDATE|DELETE)/i;
const COMMITS = /^\s*COMMIT/i;
const REWRITES = /^\s*VACUUM/i;
const CHECKPOINTS = /^\s*PRAGMA wal_checkpoint/i;
const SQLITE_FULL = 13;
/** Small, so that a simulation of some minutes has many segments. */
const SEGMENT_SIZE = { keys: 20, spanMs: 20_000 };

/** The journal's disk: committed data stays, whatever happens to the process. */
export class Disk {
  slowMs = 1;
  /** The power fails at this write; `isDone` says whether it still completes. */
  cutAt: { writes: number; readonly isDone: boolean } | undefined;
  /** The power has failed: no write succeeds until the next process. */
  isDead = false;
  readonly database = prepareForWriting(new DatabaseSync(':memory:'));
  readonly space = new DiskSpace(() => Number(this.database.prepare('PRAGMA page_count').get()?.['page_count']));
  /** Called before each commit is answered: what it adds may be gone by the next look. */
  onCommitted: () => void = () => undefined;
  #mark: Mark | undefined;
  /** Bytes changed by the open transaction. */
  #changedBytes = 0;
  readonly #time: VirtualTime;
  readonly #onCut: () => void;

  constructor(time: VirtualTime, onCut: () => void) {
    this.#time = time;
    this.#onCut = onCut;
  }

  /** Rolls back an unfinished transaction, as SQLite does when it opens the file again. */
  recover(): void {
    this.isDead = false;
    this.cutAt = undefined;
    this.#changedBytes = 0;
    if (this.database.isTransaction) this.database.exec('ROLLBACK');
  }

  readonly parts = this.#partsWith((options) => {
    giveUpWhereNothingIsLeft(this.space);
    return new GuardedStore(options, this.#files);
  });

  /** The journal of a version that did not watch its disk space. */
  readonly unguarded = this.#partsWith((options) => new JournalStore(options));

  readonly #files: GuardedFiles = {
    disk: this.space,
    isNew: false,
    openMark: () => ({
      read: () => this.#mark,
      write: (mark) => {
        this.#mark = mark;
      },
      close: () => undefined,
    }),
    watch: () => () => true,
  };

  #partsWith(open: (options: StoreOptions) => Parameters<typeof serveStore>[0]): JournalParts {
    return {
      startWriter: (options) => this.#startWriter(options, open),
      openReader: () => new JournalReader(withoutClose(this.database)),
      watch: () => () => true,
    };
  }

  /** Like the worker thread: messages arrive in order and take as long as the disk. */
  #startWriter(
    options: StoreOptions,
    open: (options: StoreOptions) => Parameters<typeof serveStore>[0],
  ): JournalWriter {
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
        const own = { database: this.#faulty(), keyRule: KEY_RULE, segmentSize: SEGMENT_SIZE };
        serveStore(open({ ...options, ...own }), port);
      } catch (error) {
        send('error', error);
      }
    });
    return {
      postMessage: (message) => void setTimeout(() => toStore(message), this.slowMs),
      on: (event: string, listener: (value: never) => void) => toMain.set(event, listener),
    };
  }

  /** The database as the process sees it, with faults. */
  #faulty(): DatabaseSync {
    const { database } = this;
    const faulty: Pick<DatabaseSync, 'exec' | 'prepare' | 'close' | 'isTransaction'> = {
      exec: (sql) => this.#run(sql, [], () => database.exec(sql)),
      prepare: (sql) => {
        if (CHECKPOINTS.test(sql)) return this.#checkpoint();
        const statement = database.prepare(sql);
        const wrapped: Pick<StatementSync, 'run' | 'get' | 'all' | 'iterate'> = {
          run: (...values: []) => this.#run(sql, values, () => statement.run(...values)),
          get: (...values: []) => this.#run(sql, values, () => statement.get(...values)),
          all: (...values: []) => this.#run(sql, values, () => statement.all(...values)),
          iterate: (...values: []) => this.#run(sql, values, () => statement.iterate(...values)),
        };
        return wrapped as StatementSync;
      },
      close: () => {
        this.space.truncate();
      },
      get isTransaction() {
        return database.isTransaction;
      },
    };
    return faulty as DatabaseSync;
  }

  #checkpoint(): StatementSync {
    const wrapped: Pick<StatementSync, 'get'> = { get: () => ({ busy: this.space.truncate() ? 0 : 1 }) };
    return wrapped as StatementSync;
  }

  /** Changes need room when they are committed: together, or one by one outside a transaction. */
  #run<T>(sql: string, values: readonly unknown[], run: () => T): T {
    if (REWRITES.test(sql)) {
      this.#mayFail(run);
      const done = run();
      this.#takeRoom(this.space.databaseBytes());
      return done;
    }
    if (CHANGES.test(sql)) {
      this.#mayFail(run);
      const bytes = values.reduce<number>((sum, value) => sum + bytesOf(value), 0);
      if (this.database.isTransaction) this.#changedBytes += bytes;
      else this.#takeRoom(bytes);
      return run();
    }
    if (!COMMITS.test(sql)) return run();
    this.#mayFail(run);
    const bytes = this.#changedBytes;
    this.#changedBytes = 0;
    this.#takeRoom(bytes);
    const done = run();
    this.onCommitted();
    return done;
  }

  #takeRoom(bytes: number): void {
    if (!this.space.commit(bytes)) throw Object.assign(new Error('database or disk is full'), { errcode: SQLITE_FULL });
  }

  #mayFail(run: () => unknown): void {
    if (this.isDead) throw new Error('the power is gone');
    if (this.cutAt === undefined) return;
    this.cutAt.writes -= 1;
    if (this.cutAt.writes > 0) return;
    if (this.cutAt.isDone) run();
    this.isDead = true;
    this.#time.later(1, this.#onCut);
    throw new Error('the power went');
  }
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value instanceof Uint8Array ? value.byteLength : 8;
}

/** The process closes its reader, but the database stays open. */
function withoutClose(database: DatabaseSync): DatabaseSync {
  return new Proxy(database, {
    get: (target, name) => {
      if (name === 'close') return () => undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
