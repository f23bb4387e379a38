import type { Meter } from '@opentelemetry/api';
import { errorQueueOf, type QueueLengths } from './heartbeats/queue-lengths.ts';
import type { ExtractorRegistry } from './heartbeats/registry.ts';
import type { JobBook } from './jobs/job-book.ts';
import type { Traced } from './wire/traced-message.ts';

/** How observed messages are counted. */
export interface ExtractorMetrics {
  readonly traced: (what: Traced['what']) => void;
  /** An invalid heartbeat, or one extractor too many. */
  readonly heartbeat: (outcome: 'heard' | 'not understood' | 'ignored') => void;
  /** The firehose's queue was found full: older messages are lost. */
  readonly firehoseFull: () => void;
  readonly polled: (outcome: 'done' | 'cut short' | 'failed') => void;
  readonly storeFailed: () => void;
}

interface Observed {
  readonly registry: Pick<ExtractorRegistry, 'readings'>;
  readonly queues: Pick<QueueLengths, 'of'>;
  readonly book: Pick<JobBook, 'size'>;
  /** 1 on, 0 off, undefined if unknown. */
  readonly firehose: () => number | undefined;
  readonly connected: () => boolean;
  readonly nowMs: () => number;
}

/** Metrics of the extractors and of how they are observed; names as in docs/extractors.md. */
export function extractorMetrics(meter: Meter): ExtractorMetrics & { readonly observe: (observed: Observed) => void } {
  const traced = meter.createCounter('clowder.extractors.firehose.messages', {
    unit: '{message}',
    description: 'Messages of the firehose: status, job, other (of somebody else), not understood',
  });
  const heartbeats = meter.createCounter('clowder.extractors.heartbeats', {
    unit: '{heartbeat}',
    description: 'Heartbeats: heard, not understood, ignored (of more extractors than are kept)',
  });
  const full = meter.createCounter('clowder.extractors.firehose.full', {
    unit: '{occurrence}',
    description: "How often the firehose's queue was found full: older messages are lost",
  });
  const polls = meter.createCounter('clowder.extractors.polls', {
    unit: '{poll}',
    description: "Rounds of polling Clowder's jobs: done, cut short (by max_requests), failed",
  });
  const storeFailures = meter.createCounter('clowder.extractors.store.failures', {
    unit: '{failure}',
    description: 'How often the jobs could not be written to disk',
  });
  return {
    traced: (what) => traced.add(1, { kind: what }),
    heartbeat: (outcome) => heartbeats.add(1, { outcome }),
    firehoseFull: () => full.add(1),
    polled: (outcome) => polls.add(1, { outcome }),
    storeFailed: () => storeFailures.add(1),
    observe: (observed) => gauges(meter, observed),
  };
}

function gauges(meter: Meter, { registry, queues, book, firehose, connected, nowMs }: Observed): void {
  meter
    .createObservableGauge('clowder.extractor.instances', {
      unit: '{instance}',
      description: 'Instances of an extractor that are alive',
    })
    .addCallback((result) => {
      for (const { label, instances, version } of registry.readings())
        result.observe(instances, {
          'clowder.extractor.name': label,
          ...(version !== undefined && { 'clowder.extractor.version': version }),
        });
    });
  meter
    .createObservableGauge('clowder.extractor.heartbeat.age', {
      description: 'Time since the last heartbeat of an extractor',
      unit: 's',
    })
    .addCallback((result) => {
      for (const { label, lastHeardMs } of registry.readings())
        result.observe(Math.max(0, nowMs() - lastHeardMs) / 1000, { 'clowder.extractor.name': label });
    });
  meter
    .createObservableGauge('clowder.extractor.queue.messages', {
      unit: '{message}',
      description: 'Messages that wait in the queue of an extractor, and in its error queue',
    })
    .addCallback((result) => {
      for (const { label, queue } of registry.readings()) {
        const [jobs, errors] = [queues.of(queue), queues.of(errorQueueOf(queue))];
        if (jobs !== undefined)
          result.observe(jobs.messages, { 'clowder.extractor.name': label, 'clowder.extractor.queue': 'jobs' });
        if (errors !== undefined)
          result.observe(errors.messages, { 'clowder.extractor.name': label, 'clowder.extractor.queue': 'errors' });
      }
    });
  meter
    .createObservableGauge('clowder.extractor.queue.consumers', {
      unit: '{consumer}',
      description: 'Consumers of the queue of an extractor',
    })
    .addCallback((result) => {
      for (const { label, queue } of registry.readings()) {
        const jobs = queues.of(queue);
        if (jobs !== undefined) result.observe(jobs.consumers, { 'clowder.extractor.name': label });
      }
    });
  meter
    .createObservableGauge('clowder.extractor.queue.unacknowledged', {
      unit: '{message}',
      description: 'Jobs that an extractor has taken from its queue and not acknowledged, by the management API',
    })
    .addCallback((result) => {
      for (const { label, queue } of registry.readings()) {
        const taken = queues.of(queue)?.unacknowledged;
        if (taken !== undefined) result.observe(taken, { 'clowder.extractor.name': label });
      }
    });
  meter
    .createObservableGauge('clowder.extractors.jobs', { unit: '{job}', description: 'Jobs that are remembered' })
    .addCallback((result) => result.observe(book.size));
  meter
    .createObservableGauge('clowder.extractors.firehose.on', { unit: '1', description: '1 while the firehose is on' })
    .addCallback((result) => {
      const on = firehose();
      if (on !== undefined) result.observe(on);
    });
  meter
    .createObservableGauge('clowder.extractors.connected', { unit: '1', description: '1 while connected to RabbitMQ' })
    .addCallback((result) => result.observe(connected() ? 1 : 0));
}
