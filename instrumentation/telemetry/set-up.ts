import { logs, metrics, propagation, trace, type Logger, type Meter, type Tracer } from '@opentelemetry/api';
import { getBooleanFromEnv, getStringListFromEnv } from '@opentelemetry/core';
import type { Instrumentation } from '@opentelemetry/instrumentation';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, type LogRecordProcessor, type ReadWriteLogRecord } from '@opentelemetry/sdk-logs';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { redactText } from '../../taxonomy/redaction.ts';
import { DomainEventProcessor, isDomainEvent, type LossReason } from './domain-event-processor.ts';
import { logExportersFromEnv, spanProcessorsFromEnv } from './exporters.ts';
import { RedactingSpanProcessor } from './redacting-span-processor.ts';
import { createServerTelemetry, type ServerTelemetry } from './server-telemetry.ts';

export interface TelemetryOptions {
  /** `service.name` where neither OTEL_SERVICE_NAME nor OTEL_RESOURCE_ATTRIBUTES gives one. @default the SDK's own */
  readonly serviceName?: string;
  readonly instrumentations?: readonly Instrumentation[];
  /** Told in a sentence what the operator should know. @default a line on standard error */
  readonly log?: (message: string) => void;
}

/** The SDK as this process runs it. */
export interface Telemetry {
  readonly server: ServerTelemetry;
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly meter: Meter;
  /** Sends what is waiting; resolves when it is sent, or after the time-out. Never rejects. */
  flush(): Promise<void>;
  /** Flushes and stops; resolves after the time-out at the latest. Never rejects. */
  shutdown(): Promise<void>;
}

/** Name of the instrumentation scope of everything we record. */
export const SCOPE = 'clowder-otel';
const FLUSH_TIMEOUT_MS = 5000;

/**
 * Starts the OTel SDK by the standard OTEL_* names: resource detection, exporters (OTLP, http/protobuf unless told
 * otherwise), sampler, propagators; with domain events on a way of their own, and secrets taken out of all spans. With
 * OTEL_SDK_DISABLED=true nothing is recorded, and everything here does nothing.
 */
export function setUpTelemetry(options: TelemetryOptions = {}): Telemetry {
  const log = options.log ?? logToStderr;
  const disabled = getBooleanFromEnv('OTEL_SDK_DISABLED');
  const domainEvents = disabled ? [] : domainEventProcessors(log);
  const spanProcessors = disabled ? [] : [new RedactingSpanProcessor(), ...spanProcessorsFromEnv(log)];
  const sdk = new NodeSDK({
    ...(options.serviceName !== undefined && {
      resource: defaultResource().merge(resourceFromAttributes({ 'service.name': options.serviceName })),
    }),
    instrumentations: [...(options.instrumentations ?? [])],
    spanProcessors,
    logRecordProcessors: [...domainEvents, ...(disabled ? [] : otherLogProcessors(log))],
  });
  sdk.start();
  const tracer = trace.getTracer(SCOPE);
  const logger = logs.getLogger(SCOPE);
  const meter = metrics.getMeter(SCOPE);
  const propagators = getStringListFromEnv('OTEL_PROPAGATORS');
  const server = createServerTelemetry({
    tracer,
    logger,
    meter,
    onError: (error) => log(`a request could not be reported: ${redactText(String(error))}`),
    ...(propagators !== undefined && !propagators.includes('tracecontext') && { propagator: propagation }),
  });
  let stopped: Promise<void> | undefined;
  return {
    server,
    tracer,
    logger,
    meter,
    flush: () => settled([...domainEvents, ...spanProcessors].map((processor) => processor.forceFlush())),
    shutdown: () => (stopped ??= settled([sdk.shutdown()])),
  };
}

function domainEventProcessors(log: (message: string) => void): DomainEventProcessor[] {
  const onLost = (count: number, reason: LossReason): void => {
    // Not before it happens: at start there is no meter provider yet.
    metrics
      .getMeter(SCOPE)
      .createCounter('clowder.capture.events.lost', { description: 'Domain events lost', unit: '{event}' })
      .add(count, { 'error.type': reason });
  };
  const exporters = logExportersFromEnv(log);
  if (exporters.length === 0) log('OTEL_LOGS_EXPORTER is "none": domain events go nowhere');
  return exporters.map(
    (exporter) => new DomainEventProcessor({ exporter, log, onLost, flushTimeoutMs: FLUSH_TIMEOUT_MS }),
  );
}

/** The program's own log records take the SDK's usual way. */
function otherLogProcessors(log: (message: string) => void): LogRecordProcessor[] {
  return logExportersFromEnv(log).map((exporter) => new OtherLogsProcessor({ exporter }));
}

class OtherLogsProcessor extends BatchLogRecordProcessor {
  override onEmit(record: ReadWriteLogRecord): void {
    if (!isDomainEvent(record)) super.onEmit(record);
  }
}

/** Waits for all, whether they succeed or not, but not for ever. */
async function settled(work: readonly Promise<unknown>[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS + 1000);
  void Promise.allSettled(work).then(() => resolve());
  await promise;
  clearTimeout(timer);
}

function logToStderr(message: string): void {
  process.stderr.write(`clowder-otel: ${message}\n`);
}
