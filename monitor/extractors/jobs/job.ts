import { extractionEventId } from '../../../taxonomy/event-id.ts';
import { redactFields, redactText } from '../../../taxonomy/redaction.ts';
import type { EventFields } from '../../telemetry/emit-event.ts';
import type { Subject } from '../wire/job-message.ts';
import { eventOfStatus, type ExtractionEventType, type StatusWord } from '../wire/status-words.ts';
import type { Observation, Submitted, Told } from './observation.ts';

/** What is remembered about a job: enough for its next event, and no secrets. */
export interface Job {
  readonly key: string;
  readonly jobId?: string | undefined;
  readonly extractor: string;
  readonly version?: string | undefined;
  /** Undefined until the job's own message, or Clowder, says what its id refers to. */
  readonly subject?: Subject | undefined;
  readonly resourceName?: string | undefined;
  readonly userId?: string | undefined;
  readonly userName?: string | undefined;
  readonly queuedMs?: number | undefined;
  /** The first sign of work since the job was queued, or since its last end. */
  readonly startedMs?: number | undefined;
  /** The same, by the extractor's clock (`Told.clockMs`). */
  readonly startedClockMs?: number | undefined;
  readonly endedMs?: number | undefined;
  /** The once-only events that the job has had. */
  readonly had: readonly ExtractionEventType[];
  readonly touchedMs: number;
}

export interface JobEvent {
  readonly type: ExtractionEventType;
  readonly id: string;
  readonly createdMs: number;
  readonly fields: EventFields;
}

export interface Step {
  readonly job: Job;
  /** Whether anything changed that must survive a restart. */
  readonly changed: boolean;
  readonly event: JobEvent | undefined;
}

const MESSAGE_MAX = 32_768;

/**
 * Identifies the job: by its id, or without one by extractor and resource, which are assumed to have one job at a time.
 */
export function keyOf(seen: Observation): string {
  if (seen.jobId !== undefined) return seen.jobId;
  const resource = seen.what === 'told' ? seen.resourceId : idOf(seen.subject);
  return `${seen.extractor}|${resource ?? ''}`;
}

/** The id by which status messages name the input. */
function idOf(subject: Subject | undefined): string | undefined {
  return subject?.fileId ?? subject?.datasetId ?? subject?.resourceId;
}

/**
 * How an observation changes a job, and the event that follows. `extraction.queued`, `done` and `failed` come once per
 * job. A failed job may still become done when it runs again from its error queue. Every progress message is an
 * `extraction.working`. The same observation gives the same event id again.
 *
 * @param repeated how many earlier messages of the same second said the same of the job
 */
export function advance(before: Job | undefined, seen: Observation, repeated = 0): Step {
  return seen.what === 'submitted' ? submitted(before, seen) : told(before, seen, repeated);
}

function submitted(before: Job | undefined, seen: Submitted): Step {
  const known = before ?? newJob(seen);
  const base = seen.again ? known : begun(known, seen);
  const isNew = !seen.again && !base.had.includes('extraction.queued');
  const job: Job = {
    ...base,
    // Private extractors keep their prefix, which status messages leave out.
    extractor: isPrivate(seen.extractor) ? seen.extractor : base.extractor,
    version: seen.version ?? base.version,
    subject: seen.subject,
    resourceName: seen.resourceName ?? base.resourceName,
    userId: seen.userId ?? base.userId,
    userName: seen.userName ?? base.userName,
    ...(isNew && { queuedMs: seen.atMs, had: [...base.had, 'extraction.queued'] }),
    touchedMs: seen.atMs,
  };
  return { job, changed: true, event: isNew ? eventOf(job, seen, 'extraction.queued', 0) : undefined };
}

function told(before: Job | undefined, seen: Told, repeated: number): Step {
  const known = before ?? newJob(seen);
  const base = BEGINS.has(seen.word) ? begun(known, seen) : known;
  const type = eventOfStatus(seen.word);
  const isNew = !base.had.includes(type);
  const job: Job = {
    ...base,
    extractor: isPrivate(base.extractor) ? base.extractor : seen.extractor,
    version: seen.version ?? base.version,
    subject: base.subject ?? seen.subject,
    userId: seen.userId ?? base.userId,
    queuedMs: type === 'extraction.queued' && isNew ? seen.atMs : base.queuedMs,
    ...(WORKS.has(seen.word) && base.startedMs === undefined && beginning(seen)),
    endedMs: isEnd(type) ? (base.endedMs ?? seen.atMs) : base.endedMs,
    had: isNew && type !== 'extraction.working' ? [...base.had, type] : base.had,
    touchedMs: seen.atMs,
  };
  const changed = REMEMBERED.some((field) => job[field] !== before?.[field]);
  return { job, changed, event: isNew ? eventOf(job, seen, type, repeated) : undefined };
}

const BEGINS: ReadonlySet<StatusWord> = new Set(['submitted', 'start']);
const WORKS: ReadonlySet<StatusWord> = new Set(['start', 'processing', 'retry']);
/** The changes of an observation that affect the next event. */
const REMEMBERED = [
  'extractor',
  'version',
  'subject',
  'userId',
  'queuedMs',
  'startedMs',
  'startedClockMs',
  'endedMs',
  'had',
] as const;

function isPrivate(extractor: string): boolean {
  return extractor.startsWith('private.');
}

export function isEnd(type: ExtractionEventType): boolean {
  return type === 'extraction.done' || type === 'extraction.failed';
}

/** A finished job that starts again: time is measured from here. Without an id, it is another job. */
function begun(job: Job, seen: Observation): Job {
  if (job.endedMs === undefined) return job;
  const again = { ...job, startedMs: undefined, startedClockMs: undefined, endedMs: undefined };
  return seen.jobId === undefined ? { ...again, queuedMs: undefined, had: [] } : again;
}

function beginning({ atMs, clockMs }: Told): Pick<Job, 'startedMs' | 'startedClockMs'> {
  return { startedMs: atMs, ...(clockMs !== undefined && { startedClockMs: clockMs }) };
}

function newJob(seen: Observation): Job {
  return { key: keyOf(seen), jobId: seen.jobId, extractor: seen.extractor, had: [], touchedMs: seen.atMs };
}

function eventOf(job: Job, seen: Observation, type: ExtractionEventType, repeated: number): JobEvent {
  const said = seen.what === 'told' ? seen : undefined;
  const message =
    said?.message === undefined ? undefined : redactText(said.message.slice(0, MESSAGE_MAX)).slice(0, MESSAGE_MAX);
  const fields: Record<string, string | number | boolean | undefined> = {
    job_id: job.jobId,
    ...subjectFields(job.subject, said?.resourceId),
    resource_name: job.resourceName,
    extractor_name: job.extractor,
    extractor_version: job.version,
    user_id: job.userId,
    user_name: job.userName,
    status: said?.word ?? 'submitted',
    message,
    duration_ms: isEnd(type) ? durationOf(job, said) : undefined,
  };
  redactFields(fields);
  return { type, id: idOfEvent(job, said, type, message, repeated), createdMs: seen.atMs, fields };
}

/** Without the job's own message, the id is known, but not what it refers to. */
function subjectFields(subject: Subject | undefined, resourceId: string | undefined): EventFields {
  if (subject === undefined) return { resource_id: resourceId };
  return { file_id: subject.fileId, dataset_id: subject.datasetId, resource_id: subject.resourceId };
}

/** Times in whole seconds may be off by one, so a shorter duration is not reliable. */
const LEAST_BY_SECONDS_MS = 2000;
const SECOND_MS = 1000;

/**
 * From the first sign of work to the end; undefined if unknown. By the extractor's clock, if it gives one: pyclowder
 * sends its messages at most once a second, often all of a job together.
 */
function durationOf(job: Job, said: Told | undefined): number | undefined {
  if (said === undefined) return undefined;
  if (said.durationMs !== undefined) return bySeconds(said.durationMs);
  if (job.startedClockMs !== undefined && said.clockMs !== undefined && said.clockMs >= job.startedClockMs)
    return bySeconds(said.clockMs - job.startedClockMs);
  return job.startedMs === undefined ? undefined : Math.max(0, said.atMs - job.startedMs);
}

function bySeconds(tookMs: number): number | undefined {
  return tookMs % SECOND_MS === 0 && tookMs < LEAST_BY_SECONDS_MS ? undefined : tookMs;
}

/** Once-only events are identified by the job; the others by content and time. */
function idOfEvent(
  job: Job,
  said: Told | undefined,
  type: ExtractionEventType,
  message: string | undefined,
  repeated: number,
): string {
  if (job.jobId !== undefined && type !== 'extraction.working') return extractionEventId(job.key, type, []);
  const when = said?.clock ?? (type === 'extraction.queued' ? String(job.queuedMs) : '');
  return extractionEventId(job.key, type, [when, message ?? '', String(repeated)]);
}
