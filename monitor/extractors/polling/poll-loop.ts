import type { Logger } from '../../../runtime/logging.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobBook } from '../jobs/job-book.ts';
import type { ExtractorMetrics } from '../metrics.ts';
import type { GetJson } from './clowder-api.ts';
import { RoundOver, limited, type Poller } from './poller.ts';

export interface PollLoopOptions {
  readonly poller: Poller;
  readonly get: GetJson;
  readonly book: JobBook;
  readonly intervalMs: number;
  readonly maxRequests: number;
  /** Whether jobs should be polled now. */
  readonly wanted: () => boolean;
  /** Saves the progress of polling. @throws Error of the store */
  readonly keep: (progress: unknown) => void;
  readonly metrics: Pick<ExtractorMetrics, 'polled' | 'storeFailed'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** Polls in rounds until the signal aborts. If Clowder is away or answers nonsense, the next round tries again. */
export async function pollLoop(options: PollLoopOptions): Promise<void> {
  const { wanted, intervalMs, signal, log, metrics } = options;
  let failing = false;
  while (!signal.aborted) {
    if (wanted()) {
      try {
        const outcome = await round(options);
        metrics.polled(outcome);
        if (failing) log.info('Clowder answers about its jobs again');
        failing = false;
      } catch (error) {
        if (signal.aborted) return;
        metrics.polled('failed');
        if (!failing) log.warn({ err: error }, 'cannot ask Clowder for its jobs; trying again');
        failing = true;
      }
    }
    await delay(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

async function round(options: PollLoopOptions): Promise<'done' | 'cut short'> {
  const { poller, get, book, maxRequests, nowMs } = options;
  try {
    await poller.round({
      get: limited(get, maxRequests),
      observe: (seen) => book.observe(seen, 'monitor', nowMs()),
      nowMs: nowMs(),
    });
    return 'done';
  } catch (error) {
    if (error instanceof RoundOver) return 'cut short';
    throw error;
  } finally {
    // Observations are on disk before they count as observed.
    book.save();
    try {
      options.keep(poller.progress);
    } catch {
      options.metrics.storeFailed();
    }
  }
}
