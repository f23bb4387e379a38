import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { DiagLogLevel, diag, type Meter } from '@opentelemetry/api';
import { getNumberFromEnv } from '@opentelemetry/core';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Logger } from '../../runtime/logging.ts';
import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/index.ts';
import { createEmitEvent, type EmitEvent } from './emit-event.ts';
import { SpoolingLogProcessor, spoolingMetricExporter, type Keep } from './into-spool.ts';
import { Lane, type LaneCounters } from './lane.ts';
import { createPostOtlp, type OtlpSettings } from './post-otlp.ts';
import { Spool, type Signal, type SpoolStats } from './spool.ts';

export interface TelemetryOptions {
  readonly spoolDir: string;
  /** How many bytes may wait on disk. @default 64 MiB */
  readonly spoolMaxBytes?: number | undefined;
  /** `clowder.instance` of all telemetry. */
  readonly instance?: string | undefined;
  readonly version: string;
  readonly otlp?: OtlpSettings | undefined;
  /** How often metrics are collected, in milliseconds. @default OTEL_METRIC_EXPORT_INTERVAL, 60000 */
  readonly metricIntervalMs?: number | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

export interface TelemetryStats {
  readonly spool: SpoolStats;
  readonly lanes: Readonly<Record<Signal, LaneCounters>>;
  /** Items that were lost before they were sent: the spool or the disk was full. */
  readonly lost: Readonly<Record<Signal, number>>;
}

/** The monitor's telemetry, sent by OTLP through a spool on disk. */
export interface Telemetry {
  readonly emit: EmitEvent;
  readonly meter: Meter;
  readonly stats: () => TelemetryStats;
  /** When this returns, everything emitted is on disk. */
  readonly persist: () => void;
  /** Sends waiting telemetry. Resolves once all is accepted, sending fails, or time runs out. */
  readonly flush: (timeoutMs: number) => Promise<void>;
  /**
   * Collects metrics once more, flushes within the time, and closes the spool. The rest is sent after the next start.
   */
  readonly shutdown: (flushMs: number) => Promise<void>;
}

const SCOPE = 'clowder-otel-monitor';
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** @throws SpoolError if the directory cannot be used */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const { log, environment, otlp = {} } = options;
  const lost = { logs: 0, metrics: 0 };
  const protocol = environment['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? '';
  if (protocol !== '' && protocol !== 'http/protobuf')
    log.warn({ protocol }, 'the monitor sends http/protobuf, whatever OTEL_EXPORTER_OTLP_PROTOCOL says');
  diag.setLogger(diagLogger(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const spool = new Spool({
    dir: options.spoolDir,
    maxBytes: options.spoolMaxBytes ?? DEFAULT_MAX_BYTES,
    onLost: (signal, items, reason) => {
      // Called with every request while the spool is full, so only the first and then every hundredth is logged.
      if (lost[signal] === 0 || Math.floor((lost[signal] + items) / 100) > Math.floor(lost[signal] / 100))
        log.error({ signal, lost: lost[signal] + items, reason }, 'telemetry is lost');
      lost[signal] += items;
    },
    onDisk: (error) =>
      error === undefined
        ? log.info('the spool is written to disk again')
        : log.error({ err: error }, 'the spool cannot be written to disk; telemetry waits in memory'),
  });
  const lane = (signal: Signal): Lane =>
    new Lane({ signal, spool, log, post: createPostOtlp(signal, otlp, environment) });
  const lanes = { logs: lane('logs'), metrics: lane('metrics') };
  const keep: Keep = (signal, items, body) => {
    spool.add(signal, items, body);
    lanes[signal].wake();
  };

  const resource = defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': SCOPE,
        'service.version': options.version,
        'host.name': hostname(),
        ...(options.instance !== undefined && { [ATTRIBUTE_OF_FIELD.clowder_instance]: options.instance }),
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
  const processor = new SpoolingLogProcessor(keep);
  const loggers = new LoggerProvider({ resource, processors: [processor] });
  const intervalMs = options.metricIntervalMs ?? getNumberFromEnv('OTEL_METRIC_EXPORT_INTERVAL') ?? 60_000;
  const meters = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: spoolingMetricExporter(keep),
        exportIntervalMillis: intervalMs,
        exportTimeoutMillis: intervalMs,
      }),
    ],
  });

  const flush = async (timeoutMs: number): Promise<void> => {
    processor.persist();
    const drained = Promise.all([lanes.logs.drained(), lanes.metrics.drained()]);
    await Promise.race([drained, delay(timeoutMs, undefined, { ref: false })]);
  };
  return {
    emit: createEmitEvent(loggers.getLogger(SCOPE, options.version)),
    meter: meters.getMeter(SCOPE, options.version),
    stats: () => ({
      spool: spool.stats,
      lanes: { logs: lanes.logs.counters, metrics: lanes.metrics.counters },
      lost: { ...lost },
    }),
    persist: () => processor.persist(),
    flush,
    async shutdown(flushMs) {
      await meters.shutdown();
      await loggers.shutdown();
      await flush(flushMs);
      await Promise.all([lanes.logs.stop(), lanes.metrics.stop()]);
      spool.close();
    },
  };
}

function diagLogger(log: Logger): Parameters<typeof diag.setLogger>[0] {
  const warn = (message: string, ...details: unknown[]): void => log.warn({ details: details.map(String) }, message);
  return { error: warn, warn, info: () => undefined, debug: () => undefined, verbose: () => undefined };
}
