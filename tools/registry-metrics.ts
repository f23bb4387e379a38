import {
  DataPointType,
  MeterProvider,
  MetricReader,
  type MetricData,
  type MetricDescriptor,
} from '@opentelemetry/sdk-metrics';
import { unitOf } from '../collector/self-telemetry/registry-producer.ts';
import { extractorMetrics } from '../monitor/extractors/metrics.ts';
import { createMetrics, GAUGES } from '../monitor/metrics.ts';
import { metricDescriptions } from './metrics-table.ts';

/** A metric that one of our programs sends by OTLP. */
export interface SentMetric {
  readonly name: string;
  readonly instrument: 'counter' | 'gauge' | 'histogram';
  /** UCUM; '' if there is none. */
  readonly unit: string;
  readonly brief: string;
  /** The attributes' names. */
  readonly attributes: readonly string[];
}

/** Every metric that the collector and the monitor send, without those about their processes. */
export async function sentMetrics(): Promise<readonly SentMetric[]> {
  return [...collectorMetrics(), ...(await monitorMetrics())].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function collectorMetrics(): readonly SentMetric[] {
  return metricDescriptions().map(({ name, type, help, labels }) => ({
    name,
    instrument: type,
    unit: unitOf(name, type),
    brief: help,
    attributes: labels,
  }));
}

class Reader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

/** Makes the monitor's instruments measure everything they can. */
async function monitorMetrics(): Promise<readonly SentMetric[]> {
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter('registry');
  const lane = { sent: 0, rejected: 1, retries: 0, problem: '' };
  const monitor = createMetrics(meter, () => ({
    spool: { rows: 0, bytes: 1, maxBytes: 1, refused: 0, unwritten: 0 },
    lanes: { logs: lane, metrics: lane },
    lost: { logs: 1, metrics: 1 },
  }));
  const fields = [...Object.keys(GAUGES), 'response_time_ms', 'dns_time_ms'].map((field) => [field, 1]);
  const about = { probe: 'p', component: 'c', target: 't' };
  monitor.record({ ...about, healthy: true, error: undefined, measures: {}, fields: Object.fromEntries(fields) });
  monitor.notification('n', 'o');
  const extractors = extractorMetrics(meter);
  extractors.traced('status');
  extractors.heartbeat('heard');
  extractors.firehoseFull();
  extractors.polled('done');
  extractors.storeFailed();
  const extractor = { queue: 'q', label: 'l', alive: true, instances: 1, version: '1', lastHeardMs: 0, sinceMs: 0 };
  extractors.observe({
    registry: { readings: () => [extractor] },
    queues: { of: () => ({ messages: 1, consumers: 1, unacknowledged: 1 }) },
    book: { size: 1 },
    firehose: () => 1,
    connected: () => true,
    nowMs: () => 0,
  });
  const { resourceMetrics } = await reader.collect();
  await provider.shutdown();
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics.map(sentMetricOf));
}

function sentMetricOf(metric: MetricData): SentMetric {
  const { name, unit, description }: MetricDescriptor = metric.descriptor;
  const points: readonly { readonly attributes: object }[] = metric.dataPoints;
  const attributes = [...new Set(points.flatMap((point) => Object.keys(point.attributes)))].toSorted();
  return { name, unit, brief: description, instrument: INSTRUMENTS[metric.dataPointType], attributes };
}

const INSTRUMENTS = {
  [DataPointType.SUM]: 'counter',
  [DataPointType.GAUGE]: 'gauge',
  [DataPointType.HISTOGRAM]: 'histogram',
  [DataPointType.EXPONENTIAL_HISTOGRAM]: 'histogram',
} as const satisfies Record<DataPointType, SentMetric['instrument']>;
