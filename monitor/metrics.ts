import { ValueType, type Attributes, type Meter } from '@opentelemetry/api';
import { ATTRIBUTE_OF_FIELD } from '../taxonomy/index.ts';
import type { Reading } from './reading.ts';
import type { EventFields } from './telemetry/emit-event.ts';
import type { TelemetryStats } from './telemetry/telemetry.ts';

/**
 * Gauges by the field of the reading that they show. Their names do not begin with `clowder.health.`, because the collector
 * turns such metrics into events, and the monitor states its events itself.
 */
export const GAUGES = {
  status_code: ['clowder.monitor.http.status_code', '1', 'Status code of the answer'],
  response_time_loss: ['clowder.monitor.loss', '%', 'Share of the latest readings that failed'],
  uptime_s: ['clowder.monitor.uptime', 's', 'Time since the monitor saw it come up'],
  reported_uptime_s: ['clowder.monitor.reported_uptime', 's', 'What the component itself reports'],
  tls_days_left: ['clowder.monitor.tls.days_left', 'd', 'Until the certificate expires'],
  bytes: ['clowder.monitor.download.size', 'By', 'Size of the file that was downloaded'],
  download_rate: ['clowder.monitor.download.rate', 'By/s', 'Rate of the download, from the request to its last byte'],
  queue_length: ['clowder.monitor.queue.messages', '{message}', 'Messages that wait in the queue'],
  consumers: ['clowder.monitor.queue.consumers', '{consumer}', 'Consumers of the queue'],
  messages_unacknowledged: [
    'clowder.monitor.queue.unacknowledged',
    '{message}',
    'Messages that were delivered and not acknowledged',
  ],
  publish_rate: [
    'clowder.monitor.rabbitmq.publish_rate',
    '{message}/s',
    'Messages published, of the queue or of the broker',
  ],
  deliver_rate: [
    'clowder.monitor.rabbitmq.deliver_rate',
    '{message}/s',
    'Messages delivered, of the queue or of the broker',
  ],
  memory_alarm: ['clowder.monitor.rabbitmq.memory_alarm', '1', '1 while a node has its memory alarm on'],
  disk_alarm: ['clowder.monitor.rabbitmq.disk_alarm', '1', '1 while a node has its disk alarm on'],
  broker_connections: ['clowder.monitor.rabbitmq.connections', '{connection}', 'Connections to the broker'],
  blocked_connections: [
    'clowder.monitor.rabbitmq.blocked_connections',
    '{connection}',
    'Connections that the broker blocks',
  ],
  disk_free_bytes: ['clowder.monitor.disk.free', 'By', 'Free on the file system, for programs that do not run as root'],
  disk_total_bytes: ['clowder.monitor.disk.total', 'By', 'Size of the file system'],
  disk_used_percent: ['clowder.monitor.disk.used', '%', 'Used share of the file system'],
} as const;

/** Parts of a response time, as values of the attribute `clowder.monitor.phase`. */
const PHASES = {
  dns_time_ms: 'dns',
  connect_time_ms: 'connect',
  tls_time_ms: 'tls',
  first_byte_time_ms: 'first_byte',
} as const;

/** Buckets of semantic conventions' http.client.request.duration, in seconds, extended for slow sites. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];

/** A reading with everything that the monitor knows at that time. */
export interface ObservedReading extends Reading {
  readonly probe: string;
  readonly component: string;
  /** The probe's tags, for messages. */
  readonly tags?: readonly string[] | undefined;
  /** Fields of the event: the measures with statistics and uptime. */
  readonly fields: EventFields;
}

/** The latest reading of a target, and when it was made. */
export interface LatestReading extends ObservedReading {
  readonly atMs: number;
}

export interface MonitorMetrics {
  record(reading: ObservedReading): void;
  notification(notifier: string, outcome: string): void;
}

/** The monitor's OTel metrics. */
export function createMetrics(meter: Meter, stats: () => TelemetryStats): MonitorMetrics {
  const up = meter.createGauge('clowder.monitor.up', {
    unit: '1',
    description: '1 if the latest reading is good, 0 if it is bad',
    valueType: ValueType.INT,
  });
  const checks = meter.createCounter('clowder.monitor.checks', {
    unit: '{check}',
    description: 'Readings, by outcome',
  });
  const seconds = { unit: 's', advice: { explicitBucketBoundaries: BOUNDARIES } };
  const responseTime = meter.createHistogram('clowder.monitor.response_time', {
    ...seconds,
    description: 'Whole response time, of good and bad readings',
  });
  const phaseTime = meter.createHistogram('clowder.monitor.phase_time', {
    ...seconds,
    description: 'Parts of the response time',
  });
  const notifications = meter.createCounter('clowder.monitor.notifications', {
    unit: '{notification}',
    description: 'Tries to deliver, by notifier and outcome',
  });
  const gauges = Object.entries(GAUGES).map(([field, [name, unit, description]]) => ({
    field,
    gauge: meter.createGauge(name, { unit, description }),
  }));
  observeTelemetry(meter, stats);
  return {
    record({ probe, component, target, healthy, fields }) {
      const byName: Readonly<Record<string, unknown>> = fields;
      const attributes: Attributes = {
        [ATTRIBUTE_OF_FIELD.probe]: probe,
        [ATTRIBUTE_OF_FIELD.component]: component,
        [ATTRIBUTE_OF_FIELD.target]: target,
      };
      up.record(healthy ? 1 : 0, attributes);
      checks.add(1, { ...attributes, 'clowder.monitor.outcome': healthy ? 'success' : 'failure' });
      const total = numberOf(fields.response_time_ms);
      if (total !== undefined) responseTime.record(total / 1000, attributes);
      for (const [field, phase] of Object.entries(PHASES)) {
        const time = numberOf(byName[field]);
        if (time !== undefined) phaseTime.record(time / 1000, { ...attributes, 'clowder.monitor.phase': phase });
      }
      for (const { field, gauge } of gauges) {
        const value = numberOf(byName[field]);
        if (value !== undefined) gauge.record(value, attributes);
      }
    },
    notification: (notifier, outcome) =>
      notifications.add(1, { 'clowder.monitor.notifier': notifier, 'clowder.monitor.outcome': outcome }),
  };
}

/** Observes the monitor's own telemetry: what waits for the receiver, and what was lost. */
function observeTelemetry(meter: Meter, stats: () => TelemetryStats): void {
  meter
    .createObservableGauge('clowder.monitor.spool.size', { unit: 'By', description: 'Waiting on disk to be sent' })
    .addCallback((result) => result.observe(stats().spool.bytes));
  meter
    .createObservableCounter('clowder.monitor.telemetry.lost', {
      unit: '{item}',
      description: 'Lost before it could be sent, by signal',
    })
    .addCallback((result) => {
      const { lost } = stats();
      for (const signal of ['logs', 'metrics'] as const)
        result.observe(lost[signal], { 'clowder.monitor.signal': signal });
    });
  meter
    .createObservableCounter('clowder.monitor.telemetry.rejected', {
      unit: '{item}',
      description: 'Refused by the receiver for good, by signal',
    })
    .addCallback((result) => {
      const { lanes } = stats();
      for (const signal of ['logs', 'metrics'] as const)
        result.observe(lanes[signal].rejected, { 'clowder.monitor.signal': signal });
    });
}

/** Booleans count as 1 and 0. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : undefined;
}
