import { setTimeout as delay } from 'node:timers/promises';
import type { Schedule } from './config/config.ts';
import { errorText } from '../runtime/error-text.ts';
import type { Probe, Reading } from './reading.ts';

/** Readings of one run, and its start in Unix milliseconds. */
export type OnReadings = (readings: readonly Reading[], atMs: number) => void;

export interface RunnerOptions {
  readonly probe: Probe;
  readonly schedule: Schedule;
  readonly onReadings: OnReadings;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
  /** From 0 up to 1. @default Math.random */
  readonly random?: () => number;
}

/** Performs one run: tries until all is well or the retries are used up. @returns the readings of the last try */
export async function turnOf(
  probe: Probe,
  { timeoutMs, retries, retryPauseMs }: Pick<Schedule, 'timeoutMs' | 'retries' | 'retryPauseMs'>,
  stop: AbortSignal,
): Promise<readonly Reading[]> {
  for (let attempt = 0; ; attempt += 1) {
    const readings = await tryOnce(probe, timeoutMs, stop);
    if (attempt >= retries || stop.aborted || readings.every((reading) => reading.healthy)) return readings;
    await delay(retryPauseMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

async function tryOnce(probe: Probe, timeoutMs: number, stop: AbortSignal): Promise<readonly Reading[]> {
  const late = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([stop, late]);
  const bad = (error: string): readonly Reading[] => [{ target: probe.target, healthy: false, error, measures: {} }];
  const timedOut = Promise.withResolvers<readonly Reading[]>();
  // A probe that ignores the signal must not delay its own schedule.
  signal.addEventListener('abort', () => timedOut.resolve(bad(`no answer within ${timeoutMs} ms`)), { once: true });
  const tried = probe
    .run(signal)
    .catch((error: unknown) => bad(late.aborted ? `no answer within ${timeoutMs} ms` : errorText(error)));
  return Promise.race([tried, timedOut.promise]);
}

/**
 * Runs a probe at its interval, measured from start to start, plus jitter. Runs never overlap: after a run longer than the
 * interval, the next one follows.
 */
export class ProbeRunner {
  readonly #options: RunnerOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Ends the current run; its readings are not reported. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { probe, schedule, onReadings, now = Date.now, random = Math.random } = this.#options;
    const { intervalMs, jitter } = schedule;
    const spread = (): number => random() * intervalMs * (jitter / 100);
    const stop = this.#stop.signal;
    let dueMs = performance.now() + spread();
    while (!stop.aborted) {
      await delay(Math.max(0, dueMs - performance.now()), undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) return;
      const beganMs = performance.now();
      const atMs = now();
      const readings = await turnOf(probe, schedule, stop);
      // An interrupted run has no valid readings.
      if (!stop.aborted) onReadings(readings, atMs);
      dueMs = Math.max(beganMs + intervalMs, performance.now()) + spread();
    }
  }
}
