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

/** The fields of EventListenerJobOut that are read. */
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
  /** Jobs created before this time, by Clowder's clock, are no longer looked for. */
  since: z.string().optional(),
  jobs: z.record(z.string(), z.object({ created: z.string(), seen: z.number(), mark: z.string(), over: z.boolean() })),
});
type Progress = z.infer<typeof progressSchema>;

const PAGE = 100;
/** Most pages in a round; new jobs beyond them are missed. */
const PAGES_MAX = 50;
/** A job appears in the list a moment after its creation time. */
const OVERLAP_MS = 60_000;
/** How many jobs are polled one by one; the oldest are dropped. */
const OPEN_MAX = 2000;
const OVER: ReadonlySet<StatusWord | undefined> = new Set(['done', 'skip', 'error']);

/**
 * Polls Clowder v2's list of jobs, newest first: pages back to where the last round stopped, then unfinished older jobs
 * one by one, and for each changed job its new messages. The first round reports no finished jobs.
 *
 * @param saved the `progress` of an earlier poller
 */
export function createV2Poller(saved: unknown): Poller {
  const parsed = progressSchema.safeParse(saved);
  const progress: Progress = parsed.success ? parsed.data : { jobs: {} };

  /** Polls unfinished jobs that are no longer in the list, one by one; each then goes to the end. */
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

  /** Reports a job's new messages. */
  async function look(job: ClowderJob, { get, observe, nowMs }: PollContext): Promise<void> {
    const known = progress.jobs[job.id];
    // As a hash: it is stored on disk, and the message may contain a secret.
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
    // The first round reads a single page.
    if (from === undefined || data.length < PAGE || oldest === undefined || timeOf(oldest.created) < from) break;
  }
  return jobs;
}

/** Advances to the newest job, and forgets jobs that are finished and too old for the list. */
function advance(progress: Progress, listed: readonly ClowderJob[]): void {
  progress.since = listed.reduce((latest, { created }) => (created > latest ? created : latest), progress.since ?? '');
  const from = fromOf(progress.since);
  let open = 0;
  for (const [id, { over, created }] of Object.entries(progress.jobs).toReversed()) {
    if (!over) open += 1;
    if (over ? timeOf(created) < from : open > OPEN_MAX) Reflect.deleteProperty(progress.jobs, id);
  }
}

/** Returns the creation time from which jobs may be new. @param since '' if there was no job yet */
function fromOf(since: string): number {
  return since === '' ? 0 : timeOf(since) - OVERLAP_MS;
}

/**
 * Reads Clowder's times, which have no zone: they follow its own clock, which is UTC in its containers. NaN is neither earlier
 * nor later.
 */
function timeOf(naive: string): number {
  return Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(naive) ? naive : `${naive}Z`);
}

/**
 * Returns a job's new facts: that it was queued, and each new message. The last message of a finished job is its end.
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
  /** Reads a time by the extractor's clock, whose zone Clowder has lost. An implausible time is replaced by now. */
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

/** Returns the index of the message that ended the job: the last one at its finish time, to the second. */
function endOf({ finished }: ClowderJob, updates: readonly Update[]): number | undefined {
  if (finished === null || finished === undefined) return undefined;
  const last = updates.findLastIndex(({ timestamp }) => wallClock(timestamp) === wallClock(finished));
  return last === -1 ? undefined : last;
}

function nameOf(creator: ClowderJob['creator']): string | undefined {
  return [creator?.first_name, creator?.last_name].filter(Boolean).join(' ') || undefined;
}
