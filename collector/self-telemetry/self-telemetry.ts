import { isUnset } from '../../runtime/config/source.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { DiagLogLevel, diag, trace } from '@opentelemetry/api';
import { diagLogLevelFromString } from '@opentelemetry/core';
import type { IMetricReader, PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { Logger } from '../../runtime/logging.ts';
import type { Registry } from 'prom-client';
import type { EventMessage } from '../../exporter/message.ts';
import type { Outcome } from '../../exporter/publisher.ts';
import { VERSION } from '../../runtime/version.ts';
import { diagLoggerOf } from './diag-logger.ts';
import { PublishSpans } from './publish-spans.ts';
import { registryProducer } from './registry-producer.ts';
import { selfTelemetrySettings, type OtlpProtocol, type OwnAddress, type SelfTelemetrySettings } from './settings.ts';

/** The collector's own telemetry, from the OTel SDK. */
export interface SelfTelemetry {
  /** Whether requests of the API become spans. */
  readonly traced: boolean;
  /** Notes a settled message for the spans of publishing; undefined if no spans are sent. */
  readonly settled: ((message: EventMessage, outcome: Outcome, seconds: number) => void) | undefined;
  /** Sends the remaining telemetry, within a second. */
  shutdown(): Promise<void>;
}

export interface SelfTelemetryOptions {
  /** The process's environment, which the SDK reads too. Settings of the file are added to it. */
  readonly environment: NodeJS.ProcessEnv;
  /** OTEL_* settings of the configuration file. The environment takes precedence. */
  readonly fromFile: Readonly<Record<string, string>>;
  readonly own: OwnAddress;
  /** The metrics at /metrics, which are sent unchanged. */
  readonly registry: Registry;
  /** URL of the broker, without its password. */
  readonly broker: () => string;
  readonly log: Logger;
}

const SCOPE = { name: 'clowder-otel-collector', version: VERSION };
const SHUTDOWN_MS = 1000;
const OFF: SelfTelemetry = { traced: false, settled: undefined, shutdown: async () => undefined };

/**
 * Starts the OTel SDK if the OTEL_* variables name an endpoint. The collector cannot feed itself: requests that bring
 * telemetry are never traced, its own spans and metrics are not events, and metrics are sent at a fixed rate.
 */
export async function startSelfTelemetry(options: SelfTelemetryOptions): Promise<SelfTelemetry> {
  const { environment, log } = options;
  for (const [name, value] of Object.entries(options.fromFile))
    if (isUnset(environment[name])) environment[name] = value;
  const settings = selfTelemetrySettings(environment, options.own);
  for (const warning of settings.warnings) log.warn(warning);
  if (!settings.traces && settings.metrics.length === 0) return OFF;

  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const { defaultResource, resourceFromAttributes } = await import('@opentelemetry/resources');
  const sdk = new NodeSDK({
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence over these.
    resource: defaultResource().merge(
      resourceFromAttributes({ 'service.name': SCOPE.name, 'service.version': SCOPE.version }),
    ),
    instrumentations: [],
    logRecordProcessors: [],
    metricReaders: await metricReaders(settings, options.registry),
    ...(!settings.traces && { spanProcessors: [] }),
  });
  const level = diagLogLevelFromString(environment['OTEL_LOG_LEVEL']) ?? DiagLogLevel.WARN;
  diag.setLogger(diagLoggerOf(log), { logLevel: level, suppressOverrideMessage: true });
  sdk.start();
  const spans = settings.traces
    ? new PublishSpans({ tracer: trace.getTracer(SCOPE.name, SCOPE.version), broker: options.broker })
    : undefined;
  return {
    traced: settings.traces,
    settled: spans && ((message, outcome, seconds) => spans.settled(message, outcome, seconds)),
    async shutdown() {
      spans?.stop();
      const sent = sdk.shutdown().catch((error: unknown) => log.warn({ err: error }, 'own telemetry was not sent'));
      await Promise.race([sent, delay(SHUTDOWN_MS, undefined, { ref: false })]);
    },
  };
}

/** OTLP metrics exporters by protocol, loaded only where needed. */
const OTLP_EXPORTERS: Readonly<
  Record<OtlpProtocol, () => Promise<{ OTLPMetricExporter: new () => PushMetricExporter }>>
> = {
  'http/protobuf': () => import('@opentelemetry/exporter-metrics-otlp-proto'),
  'http/json': () => import('@opentelemetry/exporter-metrics-otlp-http'),
  grpc: () => import('@opentelemetry/exporter-metrics-otlp-grpc'),
};

async function metricReaders(settings: SelfTelemetrySettings, registry: Registry): Promise<IMetricReader[]> {
  if (settings.metrics.length === 0) return [];
  const { ConsoleMetricExporter, PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics');
  const producer = registryProducer(registry, { scope: SCOPE, startMs: performance.timeOrigin });
  const { OTLPMetricExporter } = await OTLP_EXPORTERS[settings.protocol]();
  return settings.metrics.map(
    (name) =>
      new PeriodicExportingMetricReader({
        exporter: name === 'otlp' ? new OTLPMetricExporter() : new ConsoleMetricExporter(),
        exportIntervalMillis: settings.exportIntervalMs,
        exportTimeoutMillis: settings.exportTimeoutMs,
        metricProducers: [producer],
      }),
  );
}
