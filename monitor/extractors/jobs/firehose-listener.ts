import type { Delivery, Subscription } from '../broker/subscription.ts';
import type { ExtractorRegistry } from '../heartbeats/registry.ts';
import type { ExtractorMetrics } from '../metrics.ts';
import { redactExtractorName } from '../../../taxonomy/redaction.ts';
import type { JobMessage } from '../wire/job-message.ts';
import type { StatusMessage } from '../wire/status-message.ts';
import { readTraced } from '../wire/traced-message.ts';
import type { FirehoseSwitch } from './firehose-switch.ts';
import type { JobBook } from './job-book.ts';
import type { Observation } from './observation.ts';

export interface FirehoseListenerOptions {
  readonly book: JobBook;
  readonly registry: ExtractorRegistry;
  readonly firehose: FirehoseSwitch;
  readonly metrics: Pick<ExtractorMetrics, 'traced' | 'firehoseFull'>;
  readonly maxLength: number;
  readonly nowMs: () => number;
}

/** Reads jobs and their status messages from the firehose's copies. */
export function firehoseListener(
  options: FirehoseListenerOptions,
): Omit<Subscription, 'name' | 'declare' | 'bind' | 'prefetch'> {
  const { book, registry, firehose, metrics, nowMs } = options;
  return {
    onBegin: (channel, { waiting }) => {
      if (waiting >= options.maxLength) metrics.firehoseFull();
      book.deliveredAgain();
      firehose.begin(channel);
    },
    onEnd: () => firehose.end(),
    onMessage: ({ message, live }: Delivery) => {
      if (firehose.take(message)) return;
      const traced = readTraced({ headers: message.properties.headers ?? {}, content: message.content });
      metrics.traced(traced.what);
      const now = nowMs();
      if (traced.what === 'status') book.observe(ofStatus(traced.status, registry, live, now), 'rabbitmq', now);
      else if (traced.what === 'job')
        book.observe(ofJob(traced.job, traced.queue, registry, live, now), 'rabbitmq', now);
    },
    beforeAck: () => book.save(),
  };
}

function ofStatus(status: StatusMessage, registry: ExtractorRegistry, live: boolean, nowMs: number): Observation {
  return {
    what: 'told',
    atMs: timeOf(status.statedMs, live, nowMs),
    jobId: status.jobId,
    extractor: redactExtractorName(status.extractor),
    version: registry.versionOf(status.extractor),
    userId: status.userId,
    resourceId: status.resourceId,
    subject: undefined,
    word: status.word,
    message: status.message,
    clock: status.clock,
    clockMs: status.clockMs,
    durationMs: undefined,
  };
}

function ofJob(job: JobMessage, queue: string, registry: ExtractorRegistry, live: boolean, nowMs: number): Observation {
  const { label, version } = registry.ofQueue(queue);
  return {
    what: 'submitted',
    atMs: timeOf(job.jobId === undefined ? undefined : objectIdMs(job.jobId), live, nowMs),
    jobId: job.jobId,
    extractor: label,
    version,
    userId: undefined,
    userName: undefined,
    subject: job.subject,
    resourceName: job.resourceName,
    again: job.retries > 0,
  };
}

/** No queue of ours exists this long. */
const LATE_MS = 7 * 24 * 60 * 60_000;

/**
 * When a message was sent: now, if it came at once. If it waited for us, the time that it states, to the second, if
 * that is plausible.
 */
function timeOf(statedMs: number | undefined, live: boolean, nowMs: number): number {
  if (live || statedMs === undefined || statedMs > nowMs || statedMs < nowMs - LATE_MS) return nowMs;
  return statedMs;
}

/** A MongoDB id begins with the second in which it was made (BSON specification, ObjectId). */
function objectIdMs(id: string): number | undefined {
  return /^[0-9a-f]{24}$/i.test(id) ? Number.parseInt(id.slice(0, 8), 16) * 1000 : undefined;
}
