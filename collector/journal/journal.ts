import { Worker } from 'node:worker_threads';
import { JournalReader } from './reader.ts';
import {
  JournalError,
  type Cursor,
  type HeldLine,
  type JournalChange,
  type JournalRow,
  type JournalStats,
  type RejectedRecord,
} from './types.ts';
import type { ScanOptions } from './reader.ts';
import type { StoreOptions } from './store.ts';
import type { FromWorker, Outcome, ToWorker } from './worker.ts';

export { JournalReader } from './reader.ts';
export type { Cursor, HeldLine, JournalChange, JournalRow, JournalStats, RejectedRecord } from './types.ts';

export interface JournalOptions {
  readonly dir: string;
  /** Bound of what is kept; events that are not published yet are never dropped to keep it. */
  readonly maxBytes: number;
  /** How long published events stay as history. @default 7 days */
  readonly retentionMs?: number;
  /** @default 10000 */
  readonly rejectedMax?: number;
  /** For tests: SQLite refuses to grow beyond this many pages. */
  readonly maxPages?: number;
  /** Told once when the writer ended by itself; every write is refused from then on. */
  readonly onFatal?: (error: Error) => void;
}

/** The durable journal: events in order of acceptance, what is held, what was rejected, how far it was published. */
export interface Journal {
  /**
   * Resolves once the change is on disk.
   *
   * @throws JournalError and nothing is written; later writes may succeed
   */
  write(change: JournalChange): Promise<{ readonly heldIds: readonly number[] }>;
  read(afterRow: number, maxBytes: number): readonly JournalRow[];
  scan(options: ScanOptions): Generator<JournalRow>;
  /** As it was when the journal was opened. */
  readonly cursor: Cursor;
  held(): readonly HeldLine[];
  heldDue(reason: HeldLine['reason'], nowMs: number, limit: number): readonly HeldLine[];
  rejected(options?: { limit?: number; afterId?: number }): readonly RejectedRecord[];
  stats(): JournalStats;
  onAppended(listener: () => void): void;
  close(): Promise<void>;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
/** The same file where Node strips the types and where it was built. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/**
 * Opens the journal of a directory that this process has locked.
 *
 * @throws Error where SQLite cannot open it
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { onFatal, retentionMs = WEEK_MS, rejectedMax = 10_000, ...rest } = options;
  const workerData: StoreOptions = { ...rest, retentionMs, rejectedMax };
  const worker = new Worker(new URL(`./worker.${EXTENSION}`, import.meta.url), { workerData });
  const pending = new Map<
    number,
    { resolve: (value: { heldIds: readonly number[] }) => void; reject: (error: Error) => void; appends: boolean }
  >();
  const listeners: (() => void)[] = [];
  const opened = Promise.withResolvers<JournalStats>();
  const exited = Promise.withResolvers<void>();
  let stats: JournalStats | undefined;
  let failed: Error | undefined;
  let next = 0;
  let closing = false;

  function settle(outcome: Outcome): boolean {
    const waiter = pending.get(outcome.number);
    pending.delete(outcome.number);
    if (waiter === undefined) return false;
    if ('code' in outcome) {
      waiter.reject(new JournalError(outcome.code, outcome.message));
      return false;
    }
    waiter.resolve(outcome);
    return waiter.appends;
  }

  function fail(error: Error): void {
    if (failed !== undefined) return;
    // After close() the writer ends by itself: only a write it left behind tells of a failure.
    if (closing && pending.size === 0) return;
    failed = error;
    opened.reject(error);
    for (const waiter of pending.values()) waiter.reject(new JournalError('journal_unavailable', error.message));
    pending.clear();
    onFatal?.(error);
  }

  worker.on('message', (message: FromWorker) => {
    stats = message.stats;
    opened.resolve(message.stats);
    let appended = false;
    for (const outcome of message.outcomes) appended = settle(outcome) || appended;
    if (appended) for (const listener of listeners) listener();
  });
  worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => {
    fail(new Error(`the journal's writer ended with code ${code}`));
    exited.resolve();
  });

  const first = await opened.promise;
  const reader = new JournalReader(options.dir);

  function write({ append, ...change }: JournalChange): Promise<{ readonly heldIds: readonly number[] }> {
    if (failed !== undefined || closing)
      return Promise.reject(new JournalError('journal_unavailable', failed?.message ?? 'the journal is closed'));
    const number = next;
    next += 1;
    const lines = append === undefined || append.length === 0 ? undefined : Buffer.from(append.join('\n'));
    const written = Promise.withResolvers<{ heldIds: readonly number[] }>();
    pending.set(number, { resolve: written.resolve, reject: written.reject, appends: lines !== undefined });
    const message: ToWorker = { number, change: lines === undefined ? change : { ...change, append: lines } };
    worker.postMessage(
      message,
      lines !== undefined && lines.byteLength === lines.buffer.byteLength ? [lines.buffer] : [],
    );
    return written.promise;
  }

  return {
    write,
    read: (afterRow, maxBytes) => reader.read(afterRow, maxBytes),
    scan: (scanOptions) => reader.scan(scanOptions),
    cursor: reader.cursor(),
    held: () => reader.heldDue('waiting', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    heldDue: (reason, nowMs, limit) => reader.heldDue(reason, nowMs, limit),
    rejected: (rejectedOptions) => reader.rejected(rejectedOptions),
    stats: () => stats ?? first,
    onAppended: (listener) => void listeners.push(listener),
    close: async () => {
      if (closing) return;
      closing = true;
      worker.postMessage('close' satisfies ToWorker);
      await exited.promise;
      reader.close();
    },
  };
}

/** Reads the journal of a directory beside a collector that may be running. */
export function openJournalReader(dir: string): JournalReader {
  return new JournalReader(dir);
}
