import { ROOT_CONTEXT, context } from '@opentelemetry/api';
import { ExportResultCode, suppressTracing, type ExportResult } from '@opentelemetry/core';
import { backOff } from '../../runtime/sending/back-off.ts';
import { meaningOf } from '../../runtime/sending/status.ts';
import { BoundedQueue } from './bounded-queue.ts';
import { errorText } from '../../runtime/error-text.ts';

/** Sends items, as the SDK's exporters do. */
export interface ItemExporter<T> {
  export(items: T[], resultCallback: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
}

export interface RetryingSenderOptions<T> {
  readonly exporter: ItemExporter<T>;
  /** Most records that may wait; beyond it, the oldest are dropped and counted. @default 50000 */
  readonly maxQueueSize?: number;
  /** Most records in one export. @default 512 */
  readonly maxBatchSize?: number;
  /** Longest wait of a record before it is sent, in milliseconds. @default 200 */
  readonly delayMs?: number;
  /** First pause after a failed export, in milliseconds; doubled each time. @default 500 */
  readonly retryMs?: number;
  /**
   * Longest pause, in milliseconds. It must be well below WAIT_FOR_CAPTURE_S, for which an access log delayed by the same
   * outage waits for these events. @default 5000
   */
  readonly maxRetryMs?: number;
  /** At least 0 and below 1. @default Math.random */
  readonly random?: () => number;
  /** How long a flush or the shutdown tries, in milliseconds. @default 5000 */
  readonly flushTimeoutMs?: number;
  /** Called once when sending starts to fail, once when it works again, and for every loss. */
  readonly log?: (message: string) => void;
  /** Called with the number of lost records and the reason. */
  readonly onLost?: (count: number, reason: LossReason) => void;
}

/** Why a domain event was lost: the queue was full, the receiver can never accept it, or the process ended first. */
export type LossReason = 'queue_full' | 'refused' | 'shutdown';

/** The state of sending. */
export interface Delivery {
  /** Records not yet accepted by the receiver. */
  readonly waiting: number;
  readonly lost: Readonly<Record<LossReason, number>>;
  /** Whether the last attempt was accepted, or refused for good; undefined before the first one. */
  readonly reached: boolean | undefined;
  /** Why the receiver was not reached. */
  readonly reason?: string | undefined;
}

/**
 * Sends domain events without losing them: a failed batch is sent again, in order, with back-off and no limit on attempts. (The
 * SDK's own batch processors drop it.)
 */
export class RetryingSender<T> {
  readonly #exporter: ItemExporter<T>;
  readonly #maxQueueSize: number;
  readonly #maxBatchSize: number;
  readonly #delayMs: number;
  readonly #retryMs: number;
  readonly #maxRetryMs: number;
  readonly #random: () => number;
  readonly #flushTimeoutMs: number;
  readonly #log: (message: string) => void;
  readonly #onLost: (count: number, reason: LossReason) => void;
  readonly #queue: BoundedQueue<T>;
  /** The batch being sent or waiting to be sent again. */
  #batch: T[] = [];
  #batchLimit: number;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #reached: boolean | undefined;
  #reason: string | undefined;
  readonly #allLost: Record<LossReason, number> = { queue_full: 0, refused: 0, shutdown: 0 };
  #overflowing = false;
  #lost = 0;
  #stopped: Promise<void> | undefined;

  constructor(options: RetryingSenderOptions<T>) {
    this.#exporter = options.exporter;
    this.#maxQueueSize = options.maxQueueSize ?? 50_000;
    this.#queue = new BoundedQueue(this.#maxQueueSize);
    this.#maxBatchSize = options.maxBatchSize ?? 512;
    this.#batchLimit = this.#maxBatchSize;
    this.#delayMs = options.delayMs ?? 200;
    this.#retryMs = options.retryMs ?? 500;
    this.#maxRetryMs = options.maxRetryMs ?? 5000;
    this.#random = options.random ?? Math.random;
    this.#flushTimeoutMs = options.flushTimeoutMs ?? 5000;
    this.#log = options.log ?? (() => undefined);
    this.#onLost = options.onLost ?? (() => undefined);
  }

  add(item: T): void {
    if (this.#stopped !== undefined) return this.#lose(1, 'shutdown');
    const dropped = this.#queue.push(item, this.#batch.length);
    if (dropped > 0) this.#lose(dropped, 'queue_full');
    if (this.#failures > 0) return;
    if (this.#queue.length >= this.#maxBatchSize) this.#sendSoon(0);
    else if (this.#timer === undefined) this.#sendSoon(this.#delayMs);
  }

  /** Records not yet accepted by the receiver. */
  get pending(): number {
    return this.#queue.length + this.#batch.length;
  }

  get delivery(): Delivery {
    return { waiting: this.pending, lost: this.#allLost, reached: this.#reached, reason: this.#reason };
  }

  /** Sends all waiting records at once; resolves when they are accepted, or after the time-out. */
  async forceFlush(): Promise<void> {
    const end = performance.now() + this.#flushTimeoutMs;
    while (this.pending > 0 && performance.now() < end) {
      await within(end - performance.now(), this.#send());
      if (this.#failures > 0) await within(Math.min(this.#pause(), end - performance.now()), undefined);
    }
  }

  /** Flushes, accepts no more records, and shuts the exporter down. */
  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.forceFlush();
    clearTimeout(this.#timer);
    this.#giveUp();
    await within(1000, this.#exporter.shutdown());
  }

  /**
   * For the very end, when nothing asynchronous runs any more: passes the remaining records to a blocking sender, unless the
   * receiver is known to be unreachable.
   *
   * @param send returns whether the records were accepted
   */
  sendRemaining(send: (items: readonly T[]) => boolean): void {
    this.#batch.push(...this.#queue.take(Infinity));
    if (this.#batch.length === 0) return;
    if (this.#failures === 0 && send(this.#batch)) this.#batch = [];
    else this.#giveUp();
  }

  #giveUp(): void {
    const lost = this.#batch.length + this.#queue.take(Infinity).length;
    this.#batch = [];
    if (lost > 0) this.#lose(lost, 'shutdown');
  }

  #lose(count: number, reason: LossReason): void {
    this.#onLost(count, reason);
    this.#allLost[reason] += count;
    this.#lost += count;
    if (reason !== 'queue_full') {
      this.#log(`${this.#lost} domain events lost (${LOSS[reason]})`);
      this.#lost = 0;
    } else if (!this.#overflowing) {
      // Every further event overflows: log when that begins, and the number lost when it is over.
      this.#overflowing = true;
      this.#log('the queue is full, the oldest domain events are lost');
    }
  }

  #sendSoon(inMs: number): void {
    if (this.#sending !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#send();
    }, inMs);
    this.#timer.unref();
  }

  /** Sends one batch; if one is already on its way, waits for it instead. */
  #send(): Promise<void> {
    this.#sending ??= this.#sendBatch().finally(() => {
      this.#sending = undefined;
      if (this.pending === 0) return;
      const full = this.#queue.length >= this.#maxBatchSize;
      this.#sendSoon(this.#failures > 0 ? this.#pause() : full ? 0 : this.#delayMs);
    });
    return this.#sending;
  }

  async #sendBatch(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch.length === 0) this.#batch = this.#queue.take(this.#maxBatchSize);
    if (this.#batch.length === 0) return;
    const size = Math.min(this.#batchLimit, this.#batch.length);
    const sent = this.#batch.slice(0, size);
    const { code, error } = await this.#export(sent);
    if (code === ExportResultCode.SUCCESS) this.#accepted(size);
    else this.#failed(size, error);
  }

  #accepted(size: number): void {
    this.#batch.splice(0, size);
    this.#batchLimit = this.#maxBatchSize;
    this.#reached = true;
    this.#reason = undefined;
    const drained = this.#overflowing && this.pending <= this.#maxQueueSize / 2;
    if (this.#failures === 0 && !drained) return;
    this.#failures = 0;
    const lost = this.#lost > 0 ? `; ${this.#lost} were lost` : '';
    this.#log(`domain events are sent again; ${this.pending} wait${lost}`);
    this.#overflowing = false;
    this.#lost = 0;
  }

  #failed(size: number, error: Error | undefined): void {
    // The receiver rejects the batch as it is: find the offending record by halving.
    if (isRefusal(error)) {
      this.#reached = true;
      if (size === 1) {
        this.#batch.shift();
        this.#batchLimit = this.#maxBatchSize;
        this.#lose(1, 'refused');
      } else {
        this.#batchLimit = Math.ceil(size / 2);
      }
      return;
    }
    this.#failures += 1;
    const reason = errorText(error ?? 'unknown error');
    this.#reached = false;
    this.#reason = reason;
    if (this.#failures > 1) return;
    this.#log(`domain events cannot be sent (${reason}); they are kept and sent again, ${this.#maxQueueSize} at most`);
  }

  #pause(): number {
    return backOff(this.#failures, { first: this.#retryMs, longest: this.#maxRetryMs }, this.#random);
  }

  async #export(items: T[]): Promise<ExportResult> {
    try {
      // Suppressed because instrumented sockets would record spans of the export itself.
      return await context.with(
        suppressTracing(ROOT_CONTEXT),
        () => new Promise<ExportResult>((resolve) => this.#exporter.export(items, resolve)),
      );
    } catch (error) {
      return { code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }
}

const LOSS: Readonly<Record<Exclude<LossReason, 'queue_full'>, string>> = {
  refused: 'the receiver refuses them for good',
  shutdown: 'the process ended before they could be sent',
};

/** Malformed or too large, at any time. Other failures may pass: the operator can correct a wrong path or key. */
function isRefusal(error: Error | undefined): boolean {
  if (error === undefined || !('code' in error) || typeof error.code !== 'number') return false;
  const meaning = meaningOf(error.code);
  return meaning === 'rejected' || meaning === 'too_large';
}

/** Resolves with the work or after the time, whichever is first; without work, after the time. Ignores the work's failure. */
async function within(timeMs: number, work: Promise<unknown> | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, Math.max(0, timeMs));
  work?.then(
    () => resolve(),
    () => resolve(),
  );
  await promise;
  clearTimeout(timer);
}
