import type { EmitEvent } from '../../telemetry/emit-event.ts';
import type { FollowExtractor } from '../heartbeats/listener.ts';
import type { Judgement } from '../heartbeats/pings.ts';
import type { Job } from './job.ts';
import { span } from '../../notify/notification.ts';

/** So many jobs of an extractor must have ended before it is known how long they take. */
const LEAST_JOBS = 20;
const TIMES = 3;
/** Shorter than this nothing is stuck. */
const LEAST_MS = 60_000;
const CHECK_EVERY_MS = 30_000;
/** Jobs that are named. */
const NAMED = 3;

/**
 * Whether an extractor's jobs go on: of each extractor whose times are known, bad where a job that it has taken is at work
 * longer than three times what 99 of 100 take. Private extractors are their owner's business.
 */
export function judgeJobs(jobs: readonly Job[], nowMs: number): readonly Judgement[] {
  const byExtractor = Map.groupBy(
    jobs.filter(({ extractor }) => !extractor.startsWith('private.')),
    ({ extractor }) => extractor,
  );
  return [...byExtractor].flatMap(([extractor, all]) => {
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
    const about = { target: `jobs of ${extractor}`, component: extractor, healthy: stuck.length === 0 };
    return [stuck.length === 0 ? about : { ...about, error: errorOf(stuck, usualMs, nowMs) }];
  });
}

function errorOf(stuck: readonly Job[], usualMs: number, nowMs: number): string {
  const named = stuck
    .slice(0, NAMED)
    .map(({ key, startedMs = nowMs }) => `${key} for ${span((nowMs - startedMs) / 1000)}`)
    .join(', ');
  const more = stuck.length > NAMED ? ` and ${stuck.length - NAMED} more` : '';
  return `at work far longer than usual: ${named}${more}; 99 of 100 jobs take ${span(usualMs / 1000)} at most`;
}

export interface StuckJobsOptions {
  readonly jobs: () => readonly Job[];
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
    const { jobs, emit, follow } = this.#options;
    for (const judgement of judgeJobs(jobs(), nowMs)) {
      const { target, healthy } = judgement;
      if (healthy !== (this.#healthy.get(target) ?? true))
        emit({ type: 'health.ping', createdMs: nowMs, fields: { ...judgement, changed: true } });
      this.#healthy.set(target, healthy);
      follow(judgement, nowMs);
    }
  }
}
