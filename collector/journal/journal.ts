import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { errorText } from '../../runtime/error-text.ts';
import { CollectorError } from '../errors.ts';
import { JOURNAL_CURE, naming, namingEach } from './damage.ts';
import type { JournalLoss } from './mark.ts';
import { watchDatabase } from './own-file.ts';
import { JournalReader } from './reader.ts';
import { GONE } from './refusals.ts';
import { JOURNAL_FILE, openForReading } from './schema.ts';
import type {
  CountedRow,
  Cursor,
  HeldEvent,
  HeldGroup,
  HeldLine,
  HeldQuery,
  JournalChange,
  JournalRefusal,
  JournalRow,
  JournalStats,
  RejectedRecord,
} from './types.ts';
import type { ScanOptions } from './reader.ts';
import type { SegmentKeys } from './segments.ts';
import type { StoreOptions } from './store.ts';
import type { StoredChange } from './stored-change.ts';
import type { FromWriter, ToWriter } from './serve-store.ts';

export { JournalReader } from './reader.ts';
export type { CountedRow, Cursor, HeldLine, JournalChange, JournalRow, JournalStats, RejectedRecord } from './types.ts';
export { HELD_REASONS, UNPUBLISHABLE, type HeldEvent, type HeldGroup, type HeldReason } from './types.ts';

export interface JournalOptions {
  readonly dir: string;
  /** The size limit. Unpublished events are never dropped to keep it. */
  readonly maxBytes: number;
  /** How long published events stay as history. @default 7 days */
  readonly retentionMs?: number;
  /** @default 10000 */
  readonly rejectedMax?: number;
  /** Whether a follower reads along and reports how far. @default false */
  readonly followed?: boolean;
  /** For tests: SQLite refuses to grow beyond this many pages. */
  readonly maxPages?: number;
  /** Called once if the writer ends unexpectedly. Every write is refused from then on. */
  readonly onFatal?: (error: Error) => void;
}

/** The durable journal: accepted events in order, held and rejected ones, and how far it was published. */
export interface Journal {
  /**
   * Resolves once the change is on disk.
   *
   * @throws CollectorError journal_full or journal_unavailable, and nothing is written; later writes may succeed
   */
  write(change: JournalChange): Promise<{ readonly heldIds: readonly number[] }>;
  read(afterRow: number, maxBytes: number): readonly JournalRow[];
  scan(options: ScanOptions): Generator<JournalRow>;
  /** The keys that rows journaled at or after this time restore in the seen ids, youngest first, without the latest rows. */
  keys(rule: number, sinceMs: number): Iterable<SegmentKeys>;
  /** Accepted events that were missing when the journal was opened. */
  readonly lost: JournalLoss | undefined;
  /** The cursor when the journal was opened. */
  readonly cursor: Cursor;
  held(reason: HeldLine['reason']): readonly HeldLine[];
  heldDue(reason: HeldLine['reason'], nowMs: number, limit: number): readonly HeldLine[];
  heldEvents(query: HeldQuery): readonly HeldEvent[];
  heldGroups(): readonly HeldGroup[];
  /** Lines of the most recently held events, at most `limit`. */
  latestHeldLines(limit: number): readonly string[];
  counted(): readonly CountedRow[];
  rejected(options?: { limit?: number; afterId?: number }): readonly RejectedRecord[];
  stats(): JournalStats;
  /** Writes that are not on disk yet. */
  readonly pending: number;
  onAppended(listener: () => void): void;
  close(): Promise<void>;
}

interface Waiter {
  readonly resolve: (value: { heldIds: readonly number[] }) => void;
  readonly reject: (error: Error) => void;
  readonly appends: boolean;
}

/** The main thread's side of the channel to the writer's thread. */
export interface JournalWriter {
  postMessage(message: ToWriter): void;
  on(event: 'message', listener: (message: FromWriter) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

/** The parts of a journal; a simulation supplies its own. */
export interface JournalParts {
  readonly startWriter: (options: StoreOptions) => JournalWriter;
  readonly openReader: (dir: string) => JournalReader;
  /** @returns a function that tells whether the journal's file is still in place */
  readonly watch: (path: string) => () => boolean;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
/** The worker has the same extension as this file: `ts` if Node strips the types, `js` if it was built. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The writer keeps nothing that it has written, so more memory would never be used. */
const WRITER_MEMORY = { maxYoungGenerationSizeMb: 8 };

const OF_THREADS: JournalParts = {
  startWriter: (workerData) =>
    new Worker(new URL(`./worker.${EXTENSION}`, import.meta.url), { workerData, resourceLimits: WRITER_MEMORY }),
  openReader: openJournalReader,
  watch: watchDatabase,
};

/**
 * Opens the journal of a directory that this process has locked.
 *
 * @throws Error if SQLite cannot open it
 */
export async function openJournal(options: JournalOptions, parts: JournalParts = OF_THREADS): Promise<Journal> {
  const { onFatal, retentionMs = WEEK_MS, rejectedMax = 10_000, ...rest } = options;
  const worker = parts.startWriter({ ...rest, retentionMs, rejectedMax });
  /** Writes in order, beginning with those handed to the writer's thread; their outcomes arrive in the same order. */
  const handed: Waiter[] = [];
  let waiting: { readonly waiter: Waiter; readonly change: StoredChange }[] = [];
  const listeners: (() => void)[] = [];
  const opened = Promise.withResolvers<FromWriter>();
  const exited = Promise.withResolvers<void>();
  let stats: JournalStats | undefined;
  let failed: Error | undefined;
  let scheduled = false;
  let looking = false;
  let closing = false;

  /**
   * Hands over the waiting writes, one message at a time. While one message is synced, the next one fills, so many writes
   * share an fsync and a thread switch.
   */
  function handOver(): void {
    scheduled = false;
    if (handed.length > 0 || failed !== undefined) return;
    if (waiting.length > 0) {
      worker.postMessage(waiting.map(({ change }) => change) satisfies ToWriter);
      for (const { waiter } of waiting) handed.push(waiter);
      waiting = [];
    } else if (closing) worker.postMessage('close' satisfies ToWriter);
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(handOver);
  }

  function settle({ outcomes, stats: current }: FromWriter): void {
    stats = current;
    const waiters = handed.splice(0);
    // Waits for further writes of this turn, because a commit costs about the same for one write as for many.
    schedule();
    let appended = false;
    waiters.forEach((waiter, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined && 'code' in outcome) {
        waiter.reject(refused(outcome));
        return;
      }
      waiter.resolve({ heldIds: outcome?.heldIds ?? [] });
      appended ||= waiter.appends;
    });
    if (appended) for (const listener of listeners) listener();
  }

  function fail(error: Error): void {
    if (failed !== undefined) return;
    const left = [...handed.splice(0), ...waiting.splice(0).map(({ waiter }) => waiter)];
    // After close() the writer is expected to end. Only a pending write indicates a failure.
    if (closing && left.length === 0) return;
    failed = error;
    opened.reject(error);
    for (const waiter of left) waiter.reject(unavailable(errorText(error)));
    // Until the journal is open, `openJournal` reports the error.
    if (stats !== undefined) onFatal?.(error);
  }

  /** While new events are refused, perhaps none are sent that would end this. So each call of `stats` checks again. */
  function look(): void {
    if (looking || closing || failed !== undefined) return;
    looking = true;
    worker.postMessage('look' satisfies ToWriter);
  }

  worker.on('message', (message: FromWriter) => {
    opened.resolve(message);
    if (message.looked === true) {
      looking = false;
      stats = message.stats;
    } else settle(message);
  });
  worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => {
    fail(new Error(`the journal's writer ended with code ${code}`));
    exited.resolve();
  });

  const first = await opened.promise;
  const path = join(options.dir, JOURNAL_FILE);
  const reading = <T>(use: () => T): T => naming(path, JOURNAL_CURE, use);
  const reader = reading(() => parts.openReader(options.dir));
  const isThere = parts.watch(path);

  function write({ append, ...change }: JournalChange): Promise<{ readonly heldIds: readonly number[] }> {
    if (failed !== undefined || closing)
      return Promise.reject(unavailable(failed === undefined ? 'the journal is closed' : errorText(failed)));
    const written = Promise.withResolvers<{ heldIds: readonly number[] }>();
    const lines = append?.join('\n') ?? '';
    waiting.push({
      waiter: { resolve: written.resolve, reject: written.reject, appends: lines !== '' },
      change: lines === '' ? change : { ...change, append: lines },
    });
    schedule();
    return written.promise;
  }

  return {
    write,
    lost: first.lost,
    read: (afterRow, maxBytes) => reading(() => reader.read(afterRow, maxBytes)),
    scan: (scanOptions) => namingEach(path, JOURNAL_CURE, reader.scan(scanOptions)),
    keys: (rule, sinceMs) => namingEach(path, JOURNAL_CURE, reader.keys(rule, sinceMs)),
    cursor: reader.cursor(),
    held: (reason) => reading(() => reader.heldDue(reason, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
    heldDue: (reason, nowMs, limit) => reading(() => reader.heldDue(reason, nowMs, limit)),
    heldEvents: (query) => reading(() => reader.heldEvents(query)),
    heldGroups: () => reading(() => reader.heldGroups()),
    latestHeldLines: (limit) => reading(() => reader.latestHeldLines(limit)),
    counted: () => reading(() => reader.counted()),
    rejected: (rejectedOptions) => reading(() => reader.rejected(rejectedOptions)),
    stats: () => {
      const current = stats ?? first.stats;
      if (current.refusal?.code === 'journal_unavailable') look();
      return isThere() ? current : { ...current, refusal: GONE };
    },
    get pending() {
      return handed.length + waiting.length;
    },
    onAppended: (listener) => void listeners.push(listener),
    close: async () => {
      if (closing) return;
      closing = true;
      schedule();
      await exited.promise;
      reader.close();
    },
  };
}

/** Opens the journal of a directory for reading, even while a collector runs. */
export function openJournalReader(dir: string): JournalReader {
  return new JournalReader(openForReading(join(dir, JOURNAL_FILE)));
}

function refused({ code, message }: JournalRefusal): CollectorError {
  return new CollectorError(code, code === 'batch_too_large' ? message : `${message}; try again`);
}

const unavailable = (message: string): CollectorError => new CollectorError('journal_unavailable', message);
