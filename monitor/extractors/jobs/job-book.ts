import type { EmitEvent } from '../../telemetry/emit-event.ts';
import { workOf, worksOn, type Downloads, type Work } from './downloads.ts';
import { advance, isEnd, keyOf, type Job, type JobEvent } from './job.ts';
import type { JobStore } from './job-store.ts';
import { eventOfStatus } from '../wire/status-words.ts';
import type { Observation } from './observation.ts';
import type { StoredJob } from './stored-job.ts';

export interface JobBookOptions {
  readonly store: JobStore;
  readonly emit: EmitEvent;
  /** When this returns, everything emitted is on disk. */
  readonly persist: () => void;
  /** Undefined if downloads are not observed: then no event waits. */
  readonly downloads?: Downloads | undefined;
  /** How long the end of a job waits for its downloads, in milliseconds. */
  readonly waitMs: number;
  /** How many jobs are remembered. */
  readonly maxJobs: number;
  /** A silent job is forgotten after this, in milliseconds. */
  readonly forgetMs: number;
  /** The store failed: jobs stay in memory and are written later. */
  readonly onStoreFailure: (error: unknown) => void;
}

/** Messages about a job within one second, with their counts. */
interface Said {
  readonly clock: string | undefined;
  readonly counts: Map<string, number>;
}

/** How many different messages of one job and second are told apart. */
const SAID_KEPT = 100;

/** Most jobs with such counts. */
const JOBS_SAID_KEPT = 10_000;

/** Recent jobs, least recently touched first, and the events that they become. */
export class JobBook {
  readonly #options: JobBookOptions;
  readonly #jobs = new Map<string, StoredJob>();
  readonly #byResource = new Map<string, Set<string>>();
  readonly #waiting = new Set<string>();
  readonly #said = new Map<string, Said>();
  readonly #changed = new Set<string>();
  readonly #removed = new Set<string>();

  /** @throws Error of the store */
  constructor(options: JobBookOptions) {
    this.#options = options;
    for (const stored of options.store.load()) this.#put(stored);
  }

  get size(): number {
    return this.#jobs.size;
  }

  job(key: string): Job | undefined {
    return this.#jobs.get(key)?.job;
  }

  jobs(): readonly Job[] {
    return Array.from(this.#jobs.values(), ({ job }) => job);
  }

  /** Takes an observation. Its event is emitted, or waits for its downloads. */
  observe(seen: Observation, source: 'monitor' | 'rabbitmq', nowMs: number): void {
    const key = keyOf(seen);
    const before = this.#jobs.get(key);
    const { job, changed, event } = advance(before?.job, seen, this.#repeats(`${source} ${key}`, seen));
    let waiting = before?.waiting;
    if (event !== undefined) {
      // The times of polled jobs are too coarse to assign downloads by.
      if (
        this.#options.downloads !== undefined &&
        source === 'rabbitmq' &&
        isEnd(event.type) &&
        workOf(job) !== undefined
      )
        waiting = [...(waiting ?? []), { event, source, dueMs: nowMs + this.#options.waitMs, job }];
      else this.#emit(event, source);
    }
    this.#put({ job, ...(waiting !== undefined && { waiting }) });
    if (changed || waiting !== before?.waiting) this.#changed.add(key);
    if (this.#jobs.size > this.#options.maxJobs) this.#removeOldest();
  }

  /** Unacknowledged messages will come again: repeats within a second are counted anew. */
  deliveredAgain(): void {
    this.#said.clear();
  }

  /** How often the same was said of the job earlier in this second. */
  #repeats(of: string, seen: Observation): number {
    if (seen.what !== 'told') return 0;
    let said = this.#said.get(of);
    if (said === undefined || said.clock !== seen.clock) {
      said = { clock: seen.clock, counts: new Map() };
      this.#said.delete(of);
      this.#said.set(of, said);
      const [oldest] = this.#said.keys();
      if (this.#said.size > JOBS_SAID_KEPT && oldest !== undefined) this.#said.delete(oldest);
    }
    const text = `${eventOfStatus(seen.word)} ${seen.message ?? ''}`;
    const count = said.counts.get(text) ?? 0;
    if (said.counts.size >= SAID_KEPT) said.counts.clear();
    said.counts.set(text, count + 1);
    return count;
  }

  /** Emits events that have waited long enough, forgets silent jobs, and saves. */
  tick(nowMs: number): void {
    for (const key of this.#waiting) this.#settle(key, nowMs, this.#options.downloads);
    for (const [key, { job, waiting }] of this.#jobs) {
      if (job.touchedMs >= nowMs - this.#options.forgetMs) break;
      if (waiting === undefined) this.#remove(key);
    }
    this.save();
  }

  #settle(key: string, nowMs: number, downloads: Downloads | undefined): void {
    const stored = this.#jobs.get(key);
    const due = stored?.waiting?.filter(({ dueMs }) => dueMs <= nowMs) ?? [];
    if (stored === undefined || due.length === 0) return;
    for (const { event, source, job } of due) {
      const bytes = downloads?.bytesOf(job, (resource) => this.#workOn(resource));
      this.#emit(
        bytes === undefined ? event : { ...event, fields: { ...event.fields, bytes_downloaded: bytes } },
        source,
      );
    }
    const left = stored.waiting?.filter((one) => !due.includes(one)) ?? [];
    this.#put({ job: stored.job, ...(left.length > 0 && { waiting: left }) });
    this.#changed.add(key);
  }

  #workOn(resource: string): readonly Work[] {
    return Array.from(this.#byResource.get(resource) ?? []).flatMap((key) => {
      const job = this.job(key);
      return job === undefined ? [] : (workOf(job) ?? []);
    });
  }

  #emit({ type, id, createdMs, fields }: JobEvent, source: 'monitor' | 'rabbitmq'): void {
    this.#options.emit({ type, id, createdMs, fields, source });
  }

  /** Emits waiting events as they are, at the end. */
  flush(): void {
    for (const key of this.#waiting) this.#settle(key, Number.POSITIVE_INFINITY, undefined);
    this.save();
  }

  /** Writes changes, after their events. What the store refuses is written later. */
  save(): void {
    this.#options.persist();
    if (this.#changed.size === 0 && this.#removed.size === 0) return;
    const changed = [...this.#changed].flatMap((key) => this.#jobs.get(key) ?? []);
    try {
      this.#options.store.save(changed, [...this.#removed]);
      this.#changed.clear();
      this.#removed.clear();
    } catch (error) {
      this.#options.onStoreFailure(error);
    }
  }

  #put(stored: StoredJob): void {
    const { key } = stored.job;
    const before = this.#jobs.get(key);
    if (before !== undefined) {
      this.#jobs.delete(key);
      if (worksOn(before.job) !== worksOn(stored.job)) this.#unindex(before.job);
    }
    this.#jobs.set(key, stored);
    this.#removed.delete(key);
    if (stored.waiting === undefined) this.#waiting.delete(key);
    else this.#waiting.add(key);
    const resource = worksOn(stored.job);
    if (resource === undefined) return;
    const keys = this.#byResource.get(resource);
    if (keys === undefined) this.#byResource.set(resource, new Set([key]));
    else keys.add(key);
  }

  #unindex(job: Job): void {
    const resource = worksOn(job);
    const keys = resource === undefined ? undefined : this.#byResource.get(resource);
    if (resource === undefined || keys === undefined) return;
    keys.delete(job.key);
    if (keys.size === 0) this.#byResource.delete(resource);
  }

  /** Removes the oldest job, a finished one if possible. */
  #removeOldest(): void {
    let [oldest] = this.#jobs.keys();
    let looked = 0;
    for (const [key, { job, waiting }] of this.#jobs) {
      if (job.endedMs !== undefined && waiting === undefined) {
        oldest = key;
        break;
      }
      looked += 1;
      if (looked >= 100) break;
    }
    if (oldest !== undefined) this.#remove(oldest);
  }

  #remove(key: string): void {
    const stored = this.#jobs.get(key);
    if (stored === undefined) return;
    // Forgetting a job loses none of its events.
    for (const { event, source } of stored.waiting ?? []) this.#emit(event, source);
    this.#jobs.delete(key);
    this.#unindex(stored.job);
    this.#waiting.delete(key);
    this.#changed.delete(key);
    this.#removed.add(key);
  }
}
