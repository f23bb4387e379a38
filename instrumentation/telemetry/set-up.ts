import { logs, metrics, propagation, trace, type Logger, type Meter, type Tracer } from '@opentelemetry/api';
import { getBooleanFromEnv, getStringListFromEnv } from '@opentelemetry/core';
import { registerInstrumentations, type Instrumentation } from '@opentelemetry/instrumentation';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchLogRecordProcessor,
  LoggerProvider,
  type LogRecordProcessor,
  type ReadWriteLogRecord,
} from '@opentelemetry/sdk-logs';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { redactText } from '../../taxonomy/redaction.ts';
import { DomainEventProcessor, isDomainEvent, type LossReason } from './domain-event-processor.ts';
import { logExportersFromEnv, spanProcessorsFromEnv } from './exporters.ts';
import { RedactingSpanProcessor } from './redacting-span-processor.ts';
import { resourceDetectors } from './resource-detectors.ts';
import { SCOPE } from './scope.ts';
import { sendAtExit } from './send-at-exit.ts';
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
  /** Whether the process had an SDK of its own before. */
  readonly joined: boolean;
  /** Sends what is waiting; resolves when it is sent, or after the time-out. Never rejects. */
  flush(): Promise<void>;
  /** Sends the domain events that are waiting while the program stands still: for its exit. Never throws. */
  flushSync(): void;
  /** Flushes and stops; resolves after the time-out at the latest. Never rejects. */
  shutdown(): Promise<void>;
}

type Log = (message: string) => void;

/** What is flushed and shut down. */
interface Sending {
  readonly joined: boolean;
  readonly domainEvents: readonly DomainEventProcessor[];
  readonly processors: readonly { forceFlush(): Promise<void> }[];
  shutdown(): Promise<void>;
}

const FLUSH_TIMEOUT_MS = 5000;

/**
 * Starts the OTel SDK by the standard OTEL_* names: resource detection, exporters (OTLP, http/protobuf unless told
 * otherwise), sampler, propagators; with domain events on a way of their own, and secrets taken out of all spans. Where
 * the process has an SDK already, only the instrumentations are added to it. With OTEL_SDK_DISABLED=true nothing is
 * recorded, and everything here does nothing.
 */
export function setUpTelemetry(options: TelemetryOptions = {}): Telemetry {
  const log = options.log ?? logToStderr;
  const instrumentations = [...(options.instrumentations ?? [])];
  const sending = hasSdk() ? joinSdk(instrumentations, log) : startSdk(instrumentations, options.serviceName, log);
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
    joined: sending.joined,
    flush: () => settled(sending.processors.map((processor) => processor.forceFlush())),
    flushSync: () => {
      for (const processor of sending.domainEvents) processor.sendRemaining(sendAtExit);
    },
    shutdown: () => (stopped ??= settled([sending.shutdown()])),
  };
}

/** Whether a tracer provider is registered: without one a span has no ids. The span is never ended, so never sent. */
export function hasSdk(): boolean {
  return trace.isSpanContextValid(trace.getTracer(SCOPE).startSpan('probe', { root: true }).spanContext());
}

function startSdk(instrumentations: Instrumentation[], serviceName: string | undefined, log: Log): Sending {
  const disabled = getBooleanFromEnv('OTEL_SDK_DISABLED');
  const domainEvents = disabled ? [] : domainEventProcessors(log);
  const spanProcessors = disabled ? [] : [new RedactingSpanProcessor(), ...spanProcessorsFromEnv(log)];
  const detectors = resourceDetectors();
  const sdk = new NodeSDK({
    ...(detectors !== undefined && { resourceDetectors: detectors }),
    ...(serviceName !== undefined && {
      resource: defaultResource().merge(resourceFromAttributes({ 'service.name': serviceName })),
    }),
    instrumentations,
    spanProcessors,
    logRecordProcessors: [...domainEvents, ...(disabled ? [] : otherLogProcessors(log))],
  });
  sdk.start();
  return {
    joined: false,
    domainEvents,
    processors: [...domainEvents, ...spanProcessors],
    shutdown: () => sdk.shutdown(),
  };
}

/** Adds to an SDK that is not ours. Where it takes no log records, the domain events get a way out of their own. */
function joinSdk(instrumentations: Instrumentation[], log: Log): Sending {
  log('an OpenTelemetry SDK is registered already: only the instrumentations are added to it');
  if (logs.getLogger(SCOPE).enabled({ eventName: 'clowder.file.uploaded' })) {
    registerInstrumentations({ instrumentations });
    return { joined: true, domainEvents: [], processors: [], shutdown: () => Promise.resolve() };
  }
  log('that SDK takes no log records: domain events are sent by OTEL_EXPORTER_OTLP_* beside it');
  const domainEvents = domainEventProcessors(log);
  const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
  const loggerProvider = new LoggerProvider({ resource, processors: domainEvents });
  logs.setGlobalLoggerProvider(loggerProvider);
  registerInstrumentations({ instrumentations, loggerProvider });
  return { joined: true, domainEvents, processors: domainEvents, shutdown: () => loggerProvider.shutdown() };
}

function domainEventProcessors(log: Log): DomainEventProcessor[] {
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
function otherLogProcessors(log: Log): LogRecordProcessor[] {
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

export function logToStderr(message: string): void {
  process.stderr.write(`clowder-otel: ${message}\n`);
}
