import type { EmitEvent } from '../../telemetry/emit-event.ts';
import type { FollowExtractor } from '../heartbeats/listener.ts';
import type { Judgement } from '../heartbeats/pings.ts';
import type { Job } from './job.ts';
import { span } from '../../notify/notification.ts';
import type { Held } from './taken-jobs.ts';

/** So many jobs of an extractor must have ended before it is known how long they take. */
const LEAST_JOBS = 20;
const TIMES = 3;
/** Shorter than this nothing is stuck. */
const LEAST_MS = 60_000;
const CHECK_EVERY_MS = 30_000;
/** Jobs that are named. */
const NAMED = 3;

/** By the name of the extractor: jobs of its queue that were taken, and of which none was acknowledged since. */
export type HeldJobs = ReadonlyMap<string, Held>;

/**
 * Whether an extractor's jobs go on: of each extractor whose times are known, bad where a job that it has taken is at work,
 * or not acknowledged, longer than three times what 99 of 100 take. Private extractors are their owner's business.
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

/** An extractor may take a job and hang before it says a word. */
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

/** Looks from time to time whether jobs are stuck, and tells of it. */
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
