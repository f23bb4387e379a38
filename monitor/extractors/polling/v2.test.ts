import { describe, expect, it } from 'vitest';
import { memoryJobStore } from '../../../test/support/memory-job-store.ts';
import { JobBook } from '../jobs/job-book.ts';
import type { MonitorEvent } from '../../telemetry/emit-event.ts';
import { ClowderApiError } from './clowder-api.ts';
import { RoundOver, limited, type Poller } from './poller.ts';
import { createV2Poller } from './v2.ts';

const T0 = Date.UTC(2026, 0, 20, 10);

interface Job {
  readonly id: string;
  readonly created: string;
  status: string;
  updated: string;
  started?: string;
  finished?: string;
  duration?: number;
  latest_message: string | null;
  readonly collection: string;
  readonly updates: { readonly status: string; readonly timestamp: string }[];
}

const naive = (ms: number): string => new Date(ms).toISOString().slice(0, 19);

/** Clowder v2, as far as its jobs go. */
class Clowder {
  readonly jobs: Job[] = [];
  readonly asked: string[] = [];

  queue(id: string, atMs: number, collection = 'files'): Job {
    const job = {
      id,
      created: `${naive(atMs)}.123000`,
      status: 'CREATED',
      updated: naive(atMs),
      latest_message: null,
      collection,
      updates: [],
    };
    this.jobs.push(job);
    return job;
  }

  say(job: Job, status: string, message: string, atMs: number): void {
    const timestamp = naive(atMs);
    job.updates.push({ status: message, timestamp });
    Object.assign(job, { status, latest_message: message, updated: timestamp });
    if (status === 'STARTED') job.started ??= timestamp;
    if (['SUCCEEDED', 'ERROR', 'SKIPPED'].includes(status))
      Object.assign(job, { finished: timestamp, duration: (atMs - Date.parse(`${job.started}Z`)) / 1000 });
  }

  readonly get = (path: string): Promise<unknown> => {
    this.asked.push(path);
    const url = new URL(path, 'http://clowder');
    const [, , , , id, part] = url.pathname.split('/');
    if (id === undefined) {
      const [skip, limit] = [Number(url.searchParams.get('skip')), Number(url.searchParams.get('limit'))];
      const data = this.jobs
        .toReversed()
        .slice(skip, skip + limit)
        .map((job) => this.#out(job));
      return Promise.resolve({ metadata: { total_count: this.jobs.length, skip, limit }, data });
    }
    const job = this.jobs.find((one) => one.id === id);
    if (job === undefined) return Promise.reject(new ClowderApiError('GET answered 404', 404));
    return Promise.resolve(
      part === 'updates' ? job.updates.map((one) => ({ ...one, job_id: id, id: 'u' })) : this.#out(job),
    );
  };

  #out({ updates: _updates, collection, ...job }: Job): object {
    const creator = { id: 'u1', email: 'ada@example.org', first_name: 'Ada', last_name: 'Lovelace' };
    return {
      started: null,
      finished: null,
      duration: null,
      ...job,
      listener_id: 'ncsa.x',
      resource_ref: { collection, resource_id: `of-${job.id}`, version: 1 },
      creator,
      parameters: {},
    };
  }
}

function watch(clowder: Clowder): {
  readonly events: readonly MonitorEvent[];
  readonly sequence: (jobId: string) => readonly string[];
  round: (nowMs: number, maxRequests?: number) => Promise<void>;
  /** Starts the monitor again after its end. */
  restart: () => void;
} {
  const store = memoryJobStore();
  const events: MonitorEvent[] = [];
  const open = (): JobBook =>
    new JobBook({
      store,
      emit: (event) => void events.push(event),
      persist: () => undefined,
      waitMs: 0,
      maxJobs: 100,
      forgetMs: 1e12,
      onStoreFailure: () => undefined,
    });
  let book = open();
  let poller: Poller = createV2Poller(undefined);
  return {
    events,
    sequence: (jobId) =>
      events
        .filter(({ fields }) => fields.job_id === jobId)
        .map(({ type, fields }) => `${type.slice(11)} ${String(fields.status)} ${String(fields.message)}`),
    async round(nowMs, maxRequests = 1000) {
      try {
        await poller.round({
          get: limited(clowder.get, maxRequests),
          observe: (seen) => book.observe(seen, 'monitor', nowMs),
          nowMs,
        });
      } catch (error) {
        if (!(error instanceof RoundOver)) throw error;
      } finally {
        book.save();
        store.saveProgress('v2', poller.progress);
      }
    },
    restart() {
      book = open();
      poller = createV2Poller(store.loadProgress('v2'));
    },
  };
}

describe("polling Clowder v2's jobs", () => {
  it("gives a job's events, one for each message, with Clowder's times and duration", async () => {
    const clowder = new Clowder();
    const watched = watch(clowder);
    await watched.round(T0);
    const job = clowder.queue('j1', T0 + 1000);
    await watched.round(T0 + 2000);
    clowder.say(job, 'STARTED', 'Started processing.', T0 + 3000);
    clowder.say(job, 'PROCESSING', 'Uploading metadata.', T0 + 4000);
    await watched.round(T0 + 5000);
    await watched.round(T0 + 6000);
    clowder.say(job, 'PROCESSING', 'Uploading preview.', T0 + 7000);
    clowder.say(job, 'SUCCEEDED', 'Done processing.', T0 + 7000);
    await watched.round(T0 + 8000);
    await watched.round(T0 + 9000);
    expect(watched.sequence('j1')).toEqual([
      'queued submitted undefined',
      'working start Started processing.',
      'working processing Uploading metadata.',
      'working processing Uploading preview.',
      'done done Done processing.',
    ]);
    const [queued] = watched.events;
    expect(queued).toMatchObject({ createdMs: T0 + 1123, source: 'monitor' });
    expect(queued?.fields).toMatchObject({
      file_id: 'of-j1',
      extractor_name: 'ncsa.x',
      user_id: 'u1',
      user_name: 'Ada Lovelace',
    });
    expect(watched.events.at(-1)).toMatchObject({ createdMs: T0 + 7000, fields: { duration_ms: 4000 } });
  });

  it.each([
    ['ERROR', 'failed error'],
    ['SKIPPED', 'done skip'],
  ])('reports %s as %s', async (status, last) => {
    const clowder = new Clowder();
    const watched = watch(clowder);
    await watched.round(T0);
    const job = clowder.queue('j1', T0 + 1000, 'datasets');
    clowder.say(job, 'STARTED', 'Started processing.', T0 + 2000);
    clowder.say(job, status, 'because', T0 + 3000);
    await watched.round(T0 + 4000);
    expect(watched.sequence('j1').at(-1)).toBe(`${last} because`);
    expect(watched.events[0]?.fields).toMatchObject({ dataset_id: 'of-j1' });
  });

  it('reports no job that was over before it began, but those that were not', async () => {
    const clowder = new Clowder();
    const old = clowder.queue('old', T0 - 5000);
    clowder.say(old, 'SUCCEEDED', 'Done processing.', T0 - 4000);
    const open = clowder.queue('open', T0 - 3000);
    const watched = watch(clowder);
    await watched.round(T0);
    clowder.say(open, 'SUCCEEDED', 'Done processing.', T0 + 1000);
    await watched.round(T0 + 2000);
    expect(watched.sequence('old')).toEqual([]);
    expect(watched.sequence('open')).toEqual(['queued submitted undefined', 'done done Done processing.']);
  });

  it('goes on after a restart, and repeats nothing', async () => {
    const clowder = new Clowder();
    const watched = watch(clowder);
    await watched.round(T0);
    const job = clowder.queue('j1', T0 + 1000);
    clowder.say(job, 'STARTED', 'Started processing.', T0 + 2000);
    await watched.round(T0 + 3000);
    watched.restart();
    await watched.round(T0 + 4000);
    clowder.queue('j2', T0 + 4500);
    clowder.say(job, 'SUCCEEDED', 'Done processing.', T0 + 5000);
    watched.restart();
    await watched.round(T0 + 6000);
    expect(watched.events.map(({ type }) => type)).toEqual([
      'extraction.queued',
      'extraction.working',
      'extraction.done',
      'extraction.queued',
    ]);
    expect(new Set(watched.events.map(({ id }) => id)).size).toBe(4);
  });

  it('gives the same ids as the firehose, so that a job seen by both is reported once', async () => {
    const clowder = new Clowder();
    const watched = watch(clowder);
    await watched.round(T0);
    const job = clowder.queue('j1', T0 + 1000);
    clowder.say(job, 'STARTED', 'Started processing.', T0 + 2000);
    clowder.say(job, 'SUCCEEDED', 'Done processing.', T0 + 3000);
    await watched.round(T0 + 4000);
    const events: MonitorEvent[] = [];
    const book = new JobBook({
      store: memoryJobStore(),
      emit: (event) => void events.push(event),
      persist: () => undefined,
      waitMs: 0,
      maxJobs: 10,
      forgetMs: 1e12,
      onStoreFailure: () => undefined,
    });
    const common = { jobId: 'j1', extractor: 'ncsa.x', version: undefined, userId: undefined, atMs: T0 };
    book.observe(
      {
        what: 'submitted',
        ...common,
        subject: { fileId: 'of-j1' },
        resourceName: undefined,
        userName: undefined,
        again: false,
      },
      'rabbitmq',
      T0,
    );
    for (const [word, message, atMs] of [
      ['start', 'Started processing.', T0 + 2000],
      ['done', 'Done processing.', T0 + 3000],
    ] as const)
      book.observe(
        {
          what: 'told',
          ...common,
          resourceId: 'of-j1',
          subject: undefined,
          word,
          message,
          clock: naive(atMs),
          clockMs: undefined,
          durationMs: undefined,
        },
        'rabbitmq',
        T0,
      );
    expect(events.map(({ id }) => id)).toEqual(watched.events.map(({ id }) => id));
  });

  it('reads page after page if many jobs are new, and makes no more requests in a round than allowed', async () => {
    const clowder = new Clowder();
    const watched = watch(clowder);
    clowder.queue('first', T0);
    await watched.round(T0);
    for (let index = 0; index < 350; index += 1) clowder.queue(`j${index}`, T0 + 1000 + index);
    for (let round = 1; round <= 40; round += 1) {
      clowder.asked.length = 0;
      await watched.round(T0 + 10_000 + round, 30);
      expect(clowder.asked.length).toBeLessThanOrEqual(30);
    }
    expect(watched.events).toHaveLength(351);
  });

  it('asks for old open jobs in turn, and drops those that Clowder no longer has', async () => {
    const clowder = new Clowder();
    const watched = watch(clowder);
    const old = Array.from({ length: 10 }, (_, index) => clowder.queue(`old${index}`, T0 + index));
    await watched.round(T0 + 1000);
    clowder.queue('new', T0 + 3_600_000);
    await watched.round(T0 + 3_600_001);
    clowder.jobs.splice(clowder.jobs.indexOf(old[0] ?? clowder.queue('x', 0)), 1);
    for (const job of old) clowder.say(job, 'SUCCEEDED', 'Done processing.', T0 + 3_700_000);
    for (let round = 0; round < 12; round += 1) await watched.round(T0 + 3_700_001 + round, 4);
    expect(watched.events.filter(({ type }) => type === 'extraction.done')).toHaveLength(9);
    clowder.asked.length = 0;
    await watched.round(T0 + 3_800_000);
    expect(clowder.asked).toEqual(['/api/v2/jobs?skip=0&limit=100']);
  });

  it('uses the time of the round if the clock of an extractor cannot be right', async () => {
    const clowder = new Clowder();
    const watched = watch(clowder);
    await watched.round(T0);
    const job = clowder.queue('j1', T0 + 1000);
    clowder.say(job, 'STARTED', 'Started processing.', T0 - 6 * 3_600_000);
    await watched.round(T0 + 4000);
    expect(watched.events.at(-1)?.createdMs).toBe(T0 + 4000);
  });

  it('fails if Clowder answers something else, and asks again in the next round', async () => {
    const clowder = new Clowder();
    const watched = watch(clowder);
    const round = createV2Poller(undefined).round({
      get: () => Promise.resolve('<html>'),
      observe: () => undefined,
      nowMs: T0,
    });
    await expect(round).rejects.toThrow('expected object');
    await watched.round(T0);
    expect(watched.events).toEqual([]);
  });
});
