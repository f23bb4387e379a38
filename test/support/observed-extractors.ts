import {
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  AggregationTemporality,
} from '@opentelemetry/sdk-metrics';
import pino from 'pino';
import { Writable } from 'node:stream';
import { extractorsSchema, extractorsSettings } from '../../monitor/extractors/settings.ts';
import { startExtractors, type RunningExtractors } from '../../monitor/extractors/extractors.ts';
import type { MonitorEvent } from '../../monitor/telemetry/emit-event.ts';
import { tempDir } from './processes.ts';

/** The monitor's extractor observer in the test's own process. */
export interface ObservedExtractors extends AsyncDisposable {
  readonly events: readonly MonitorEvent[];
  /** Types and status words of a job's events, in order. */
  sequence(jobId: string): readonly string[];
  ofJob(jobId: string, type?: string): readonly MonitorEvent[];
  pings(component: string): readonly MonitorEvent[];
  log(): string;
  /** Values of the metric by their attributes, as JSON. */
  metric(name: string): Promise<Record<string, number>>;
  readonly dataDir: string;
  readonly running: RunningExtractors;
}

export interface ObserveOptions {
  readonly clowder?: 'v1' | 'v2';
  readonly settings?: object;
  /** @default a new directory, removed at the end */
  readonly dataDir?: string;
  readonly nowMs?: () => number;
}

export async function observeExtractors(amqpUrl: string, options: ObserveOptions = {}): Promise<ObservedExtractors> {
  const own = options.dataDir === undefined ? await tempDir('extractors') : undefined;
  const dataDir = options.dataDir ?? own?.path ?? '';
  const events: MonitorEvent[] = [];
  let log = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString();
      done();
    },
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const running = startExtractors({
    settings: extractorsSettings(
      extractorsSchema.parse({ downloads: { wait: '1s' }, ...options.settings }),
      amqpUrl,
      options.clowder ?? 'v2',
    ),
    dataDir,
    version: '0.0.0-test',
    follow: () => undefined,
    followed: new Map(),
    emit: (event) => void events.push(event),
    ...(options.nowMs !== undefined && { nowMs: options.nowMs }),
    persist: () => undefined,
    meter: provider.getMeter('test'),
    log: pino({ level: 'debug' }, sink),
  });
  const ofJob = (jobId: string, type?: string): readonly MonitorEvent[] =>
    events.filter((event) => event.fields.job_id === jobId && (type === undefined || event.type === type));
  return {
    events,
    running,
    dataDir,
    ofJob,
    sequence: (jobId) =>
      ofJob(jobId).map(({ type, fields }) => `${type.replace('extraction.', '')} ${String(fields.status)}`),
    pings: (component) => events.filter(({ type, fields }) => type === 'health.ping' && fields.component === component),
    log: () => log,
    async metric(name) {
      await reader.forceFlush();
      const metric = exporter
        .getMetrics()
        .at(-1)
        ?.scopeMetrics.flatMap((scope) => scope.metrics)
        .find(({ descriptor }) => descriptor.name === name);
      return Object.fromEntries(
        (metric?.dataPoints ?? []).map(({ attributes, value }) => [JSON.stringify(attributes), Number(value)]),
      );
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      await provider.shutdown();
      await own?.remove();
    },
  };
}
