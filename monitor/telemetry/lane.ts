import { setTimeout as delay } from 'node:timers/promises';
import { backOff, heeding, jittered } from '../../runtime/sending/back-off.ts';
import type { PostAnswer, PostOtlp } from './post-otlp.ts';
import type { Signal, Spool, SpoolRow } from './spool.ts';

export interface LaneOptions {
  readonly signal: Signal;
  readonly spool: Spool;
  readonly post: PostOtlp;
  readonly log: LaneLog;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /** From 0 up to 1. @default Math.random */
  readonly random?: () => number;
  /** First and longest pause after a failure, and the one while an operator is needed, in milliseconds. @default 500, 30000, 60000 */
  readonly pauseMs?: { readonly first: number; readonly longest: number; readonly misconfigured: number };
}

export interface LaneLog {
  readonly info: (fields: object, message: string) => void;
  readonly warn: (fields: object, message: string) => void;
  readonly error: (fields: object, message: string) => void;
}

export interface LaneCounters {
  /** Items that the receiver accepted. */
  readonly sent: number;
  /** Items that it refused for good. */
  readonly rejected: number;
  /** Requests that failed and will be sent again. */
  readonly retries: number;
  /** Why nothing can be sent now; '' if it can. */
  readonly problem: string;
}

const BATCH_BYTES = 512 * 1024;
const BATCH_ROWS = 1000;
const PAUSES = { first: 500, longest: 30_000, misconfigured: 60_000 };

/** Sends the spool's requests of one signal, in order. Signals do not wait for each other. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #pauses: Required<LaneOptions>['pauseMs'];
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #counters = { sent: 0, rejected: 0, retries: 0 };
  #problem = '';
  #failures = 0;
  #batchRows = BATCH_ROWS;
  #wakeUp = Promise.withResolvers<void>();
  #idle = Promise.withResolvers<void>();

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#pauses = options.pauseMs ?? PAUSES;
    this.#random = options.random ?? Math.random;
    this.#running = this.#run();
  }

  get counters(): LaneCounters {
    return { ...this.#counters, problem: this.#problem };
  }

  /** Call this when the spool has something new. It does not shorten a pause after a failure. */
  wake(): void {
    this.#wakeUp.resolve();
  }

  /** Resolves when nothing of the signal is left, or sending fails. */
  async drained(): Promise<void> {
    this.wake();
    if (this.#problem === '') await this.#idle.promise;
  }

  /** Ends the current request; whatever was not answered stays in the spool. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal, spool, post } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#wakeUp = Promise.withResolvers();
      const rows = spool.take(signal, BATCH_BYTES, this.#batchRows);
      if (rows.length === 0) {
        this.#settleIdle();
        await this.#wakeUp.promise;
        continue;
      }
      const answer = await post(Buffer.concat(rows.map((row) => row.body)), this.#stop.signal);
      if (this.#stop.signal.aborted && answer.kind !== 'accepted') break;
      const pauseMs = this.#settle(rows, answer);
      if (pauseMs > 0) await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    this.#settleIdle();
  }

  #settleIdle(): void {
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  /** @returns the pause before the next request, in milliseconds */
  #settle(rows: readonly SpoolRow[], answer: PostAnswer): number {
    const { spool, log, signal } = this.#options;
    switch (answer.kind) {
      case 'accepted': {
        spool.remove(rows);
        this.#batchRows = BATCH_ROWS;
        this.#counters.sent += itemsOf(rows) - answer.rejected;
        if (answer.rejected > 0) this.#reject(answer.rejected, answer.message);
        else if (answer.message !== '') log.warn({ signal, reason: answer.message }, 'the receiver warns');
        if (this.#problem !== '') log.info({ signal, waiting: spool.stats.rows }, 'telemetry is sent again');
        this.#problem = '';
        this.#failures = 0;
        return 0;
      }
      case 'too_large':
      case 'rejected': {
        const [first] = rows;
        if (rows.length === 1 && first !== undefined) {
          spool.refuse(first, answer.reason, (this.#options.now ?? Date.now)());
          this.#batchRows = BATCH_ROWS;
          this.#reject(first.items, answer.reason);
        } else {
          // One item is the cause: halving finds out which.
          this.#batchRows = Math.ceil(rows.length / 2);
        }
        return 0;
      }
      case 'misconfigured':
        log.error(
          { signal, reason: answer.reason },
          'the receiver does not take telemetry from this monitor: check OTEL_EXPORTER_OTLP_ENDPOINT and the key in OTEL_EXPORTER_OTLP_HEADERS; it is kept and sent again',
        );
        this.#fail(answer.reason);
        return jittered(this.#pauses.misconfigured, this.#random);
      case 'retry': {
        if (this.#problem === '')
          log.warn({ signal, reason: answer.reason }, 'telemetry cannot be sent; it is kept on disk and sent again');
        this.#fail(answer.reason);
        return heeding(answer.afterMs, backOff(this.#failures, this.#pauses, this.#random));
      }
    }
  }

  #reject(items: number, reason: string): void {
    this.#counters.rejected += items;
    this.#options.log.error({ signal: this.#options.signal, items, reason }, 'the receiver refuses telemetry for good');
  }

  #fail(reason: string): void {
    this.#failures += 1;
    this.#counters.retries += 1;
    this.#problem = reason;
    this.#settleIdle();
  }
}

const itemsOf = (rows: readonly SpoolRow[]): number => rows.reduce((sum, row) => sum + row.items, 0);
