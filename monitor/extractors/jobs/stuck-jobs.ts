import type { EmitEvent } from '../../telemetry/emit-event.ts';
import type { FollowExtractor } from '../heartbeats/listener.ts';
import type { Judgement } from '../heartbeats/pings.ts';
import type { Job } from './job.ts';
import { span } from '../../notify/notification.ts';
import type { Held } from './taken-jobs.ts';

/** An extractor's usual times are known after this many finished jobs. */
const LEAST_JOBS = 20;
const TIMES = 3;
/** No job counts as stuck before this. */
const LEAST_MS = 60_000;
const CHECK_EVERY_MS = 30_000;
/** How many stuck jobs a message names. */
const NAMED = 3;

/** By extractor name: jobs taken from its queue, with none acknowledged since. */
export type HeldJobs = ReadonlyMap<string, Held>;

/**
 * Whether jobs progress. An extractor with known times is unhealthy if one of its jobs has been running or
 * unacknowledged for longer than three times the 99th percentile. Private extractors are left out.
 */
export function judgeJobs(jobs: readonly Job[], held: HeldJobs, nowMs: number): readonly Judgement[] {
  const byExtractor = Map.groupBy(
    jobs.filter(({ extractor }) => !extractor.startsWith('private.')),
    ({ extractor }) => extractor,
  );
  return [...byExtractor].flatMap(([extractor, all]): Judgement[] => {
    const took = all
      .flatMap(({ startedMs, endedMs }) =>
        startedMs === undefined || endedMs === undefined ? [] : [Math.max(0, endedMs - startedMs)],
      )
      .toSorted((a, b) => a - b);
    if (took.length < LEAST_JOBS) return [];
    const usualMs = took[Math.ceil(took.length * 0.99) - 1] ?? 0;
    const limitMs = Math.max(LEAST_MS, usualMs * TIMES);
    const stuck = all.filter(
      ({ startedMs, endedMs }) => startedMs !== undefined && endedMs === undefined && nowMs - startedMs > limitMs,
    );
    const about = { target: `jobs of ${extractor}`, component: extractor };
    const usual = `99 of 100 jobs take ${span(usualMs / 1000)} at most`;
    if (stuck.length > 0) return [{ ...about, healthy: false, error: `${atWork(stuck, nowMs)}; ${usual}` }];
    const taken = held.get(extractor);
    if (taken === undefined || nowMs - taken.sinceMs <= limitMs) return [{ ...about, healthy: true }];
    return [{ ...about, healthy: false, error: `${notAcknowledged(taken, nowMs)}; ${usual}` }];
  });
}

/** An extractor may take a job and hang before it reports anything. */
function notAcknowledged({ count, sinceMs }: Held, nowMs: number): string {
  const jobs = count === 1 ? '1 job was' : `${count} jobs were`;
  return `${jobs} taken, and none acknowledged for ${span((nowMs - sinceMs) / 1000)}`;
}

function atWork(stuck: readonly Job[], nowMs: number): string {
  const named = stuck
    .slice(0, NAMED)
    .map(({ key, startedMs = nowMs }) => `${key} for ${span((nowMs - startedMs) / 1000)}`)
    .join(', ');
  const more = stuck.length > NAMED ? ` and ${stuck.length - NAMED} more` : '';
  return `at work far longer than usual: ${named}${more}`;
}

export interface StuckJobsOptions {
  readonly jobs: () => readonly Job[];
  readonly held: () => HeldJobs;
  readonly emit: EmitEvent;
  readonly follow: FollowExtractor;
}

/** Looks for stuck jobs periodically, and reports them. */
export class StuckJobs {
  readonly #options: StuckJobsOptions;
  readonly #healthy = new Map<string, boolean>();
  #nextMs = 0;

  constructor(options: StuckJobsOptions) {
    this.#options = options;
  }

  tick(nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + CHECK_EVERY_MS;
    const { jobs, held, emit, follow } = this.#options;
    for (const judgement of judgeJobs(jobs(), held(), nowMs)) {
      const { target, healthy } = judgement;
      if (healthy !== (this.#healthy.get(target) ?? true))
        emit({ type: 'health.ping', createdMs: nowMs, fields: { ...judgement, changed: true } });
      this.#healthy.set(target, healthy);
      follow(judgement, nowMs);
    }
  }
}
