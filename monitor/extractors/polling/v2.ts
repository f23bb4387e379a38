import { hash } from 'node:crypto';
import { z } from 'zod';
import type { Observation } from '../jobs/observation.ts';
import type { Subject } from '../wire/job-message.ts';
import { wallClock, wallClockMs } from '../wire/status-message.ts';
import { readStatus, statusWord, type StatusWord } from '../wire/status-words.ts';
import { redactExtractorName } from '../../../taxonomy/redaction.ts';
import { orUndefined } from './clowder-api.ts';
import type { PollContext, Poller } from './poller.ts';

const text = z.string().min(1).max(1024);
const maybe = text.nullish().catch(undefined);

/** EventListenerJobOut: what is read of it. */
const jobSchema = z.object({
  id: text,
  listener_id: text,
  resource_ref: z.object({ collection: text, resource_id: text }),
  creator: z.object({ id: maybe, first_name: maybe, last_name: maybe }).nullish().catch(undefined),
  created: text,
  started: maybe,
  updated: maybe,
  finished: maybe,
  duration: z.number().nonnegative().nullish().catch(undefined),
  latest_message: z.string().nullish().catch(undefined),
  status: text,
});
type ClowderJob = z.infer<typeof jobSchema>;

const pageSchema = z.object({ data: z.array(z.unknown()) });
const updatesSchema = z.array(z.object({ status: z.string(), timestamp: text })).catch([]);
type Update = z.infer<typeof updatesSchema>[number];

const progressSchema = z.object({
  /** Jobs created before, by Clowder's clock, are no longer looked for. */
  since: z.string().optional(),
  jobs: z.record(z.string(), z.object({ created: z.string(), seen: z.number(), mark: z.string(), over: z.boolean() })),
});
type Progress = z.infer<typeof progressSchema>;

const PAGE = 100;
/** Of one round; jobs beyond, of the same minute, are not seen. */
const PAGES_MAX = 50;
/** A job is in the list a moment after the time that it has as its creation. */
const OVERLAP_MS = 60_000;
/** Jobs that are asked after one by one, at most: the oldest are given up. */
const OPEN_MAX = 2000;
const OVER: ReadonlySet<StatusWord | undefined> = new Set(['done', 'skip', 'error']);

/**
 * Clowder v2's list of jobs, newest first: pages up to where the last round was, then one by one the older ones that are
 * not over, and of each that has changed the messages that are new. On the first round, jobs that are over are not told.
 *
 * @param saved what an earlier poller had as its `progress`
 */
export function createV2Poller(saved: unknown): Poller {
  const parsed = progressSchema.safeParse(saved);
  const progress: Progress = parsed.success ? parsed.data : { jobs: {} };

  /** Those that are not over and no longer in the list, one after the other; whichever was looked at last comes last. */
  async function lookAtOlder(listed: ReadonlySet<string>, context: PollContext): Promise<void> {
    for (const [id, known] of Object.entries(progress.jobs)) {
      if (known.over || listed.has(id)) continue;
      const answer = await orUndefined(context.get(`/api/v2/jobs/${encodeURIComponent(id)}/summary`));
      const { data: job } = jobSchema.safeParse(answer);
      if (job === undefined) known.over = true;
      else await look(job, context);
      Reflect.deleteProperty(progress.jobs, id);
      progress.jobs[id] = known;
    }
  }

  /** The messages of a job that are new. */
  async function look(job: ClowderJob, { get, observe, nowMs }: PollContext): Promise<void> {
    const known = progress.jobs[job.id];
    // As a hash: it is kept on disk, and the message may hold a secret.
    const mark = hash('sha256', `${job.status} ${job.updated ?? ''} ${job.latest_message ?? ''}`);
    if (known === undefined || known.over || known.mark === mark) return;
    const updates = updatesSchema.parse(await orUndefined(get(`/api/v2/jobs/${encodeURIComponent(job.id)}/updates`)));
    const over = isOver(job);
    for (const seen of observationsOf(job, updates, known.seen, over, nowMs)) observe(seen);
    Object.assign(known, { seen: updates.length, mark, over });
  }

  return {
    get progress() {
      return progress;
    },
    async round(context) {
      const isFirst = progress.since === undefined;
      const listed = (await listJobs(context.get, progress.since)).toReversed();
      for (const job of listed)
        progress.jobs[job.id] ??= { created: job.created, seen: 0, mark: '', over: isFirst && isOver(job) };
      advance(progress, listed);
      for (const job of listed) await look(job, context);
      await lookAtOlder(new Set(listed.map(({ id }) => id)), context);
    },
  };
}

function isOver({ status }: ClowderJob): boolean {
  return OVER.has(statusWord(status));
}

async function listJobs(get: PollContext['get'], since: string | undefined): Promise<readonly ClowderJob[]> {
  const jobs: ClowderJob[] = [];
  const from = since === undefined ? undefined : fromOf(since);
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { data } = pageSchema.parse(await get(`/api/v2/jobs?skip=${page * PAGE}&limit=${PAGE}`));
    const found = data.flatMap((one) => jobSchema.safeParse(one).data ?? []);
    jobs.push(...found.filter((job) => from === undefined || timeOf(job.created) >= from));
    const oldest = found.at(-1);
    // The first round takes what one page has.
    if (from === undefined || data.length < PAGE || oldest === undefined || timeOf(oldest.created) < from) break;
  }
  return jobs;
}

/** Moves on to the newest job, and forgets what is over and too old to be in the list again. */
function advance(progress: Progress, listed: readonly ClowderJob[]): void {
  progress.since = listed.reduce((latest, { created }) => (created > latest ? created : latest), progress.since ?? '');
  const from = fromOf(progress.since);
  let open = 0;
  for (const [id, { over, created }] of Object.entries(progress.jobs).toReversed()) {
    if (!over) open += 1;
    if (over ? timeOf(created) < from : open > OPEN_MAX) Reflect.deleteProperty(progress.jobs, id);
  }
}

/** From when on jobs may be new; '' is said if there was none yet. */
function fromOf(since: string): number {
  return since === '' ? 0 : timeOf(since) - OVERLAP_MS;
}

/** Clowder's times have no zone: its own clock, which runs in UTC in its containers. NaN compares as neither. */
function timeOf(naive: string): number {
  return Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(naive) ? naive : `${naive}Z`);
}

/**
 * What is new of a job: that it was queued, and each message since. The last message of a job that is over is its end.
 *
 * @param from how many messages were observed before
 */
function observationsOf(
  job: ClowderJob,
  updates: readonly Update[],
  from: number,
  over: boolean,
  nowMs: number,
): readonly Observation[] {
  const extractor = redactExtractorName(job.listener_id);
  const subject: Subject =
    job.resource_ref.collection === 'datasets'
      ? { datasetId: job.resource_ref.resource_id }
      : { fileId: job.resource_ref.resource_id };
  const common = { jobId: job.id, extractor, version: undefined, userId: job.creator?.id ?? undefined };
  const createdMs = Math.min(timeOf(job.created) || nowMs, nowMs);
  /** A time of the extractor's clock, of which Clowder has lost the zone: if it cannot be right, it is now. */
  const atMs = (naive: string | null | undefined): number => {
    const ms = naive === null || naive === undefined ? NaN : timeOf(naive);
    return ms >= createdMs - 1000 && ms <= nowMs ? ms : nowMs;
  };
  const told = (update: Update, word: StatusWord, durationMs?: number): Observation => ({
    what: 'told',
    ...common,
    atMs: atMs(update.timestamp),
    resourceId: job.resource_ref.resource_id,
    subject,
    word,
    message: readStatus(update.status).message,
    clock: wallClock(update.timestamp),
    clockMs: wallClockMs(update.timestamp),
    durationMs,
  });
  const end = statusWord(job.status) ?? 'processing';
  const durationMs = typeof job.duration === 'number' ? Math.round(job.duration * 1000) : undefined;
  const lastUpdate = over ? endOf(job, updates) : undefined;
  const seen: Observation[] = [];
  if (from === 0)
    seen.push({
      what: 'submitted',
      ...common,
      atMs: createdMs,
      subject,
      resourceName: undefined,
      userName: nameOf(job.creator),
      again: false,
    });
  for (const [index, update] of updates.entries())
    if (index >= from && index !== lastUpdate) seen.push(told(update, readStatus(update.status).word));
  if (over) {
    const update = lastUpdate === undefined ? undefined : updates[lastUpdate];
    seen.push(told(update ?? { status: job.latest_message ?? '', timestamp: job.finished ?? '' }, end, durationMs));
  }
  return seen;
}

/** Which message ended the job: the first at its finish that says so, or the last one then. */
function endOf({ finished }: ClowderJob, updates: readonly Update[]): number | undefined {
  if (finished === null || finished === undefined) return undefined;
  const last = updates.findLastIndex(({ timestamp }) => wallClock(timestamp) === wallClock(finished));
  return last === -1 ? undefined : last;
}

function nameOf(creator: ClowderJob['creator']): string | undefined {
  return [creator?.first_name, creator?.last_name].filter(Boolean).join(' ') || undefined;
}
