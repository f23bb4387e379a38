import { logs, metrics, trace } from '@opentelemetry/api';
import { getBooleanFromEnv } from '@opentelemetry/core';
import { registerInstrumentations, type Instrumentation } from '@opentelemetry/instrumentation';
import type { Resource } from '@opentelemetry/resources';
import {
  BatchLogRecordProcessor,
  LoggerProvider,
  type LogRecordProcessor,
  type ReadWriteLogRecord,
} from '@opentelemetry/sdk-logs';
import { NodeSDK } from '#otel-sdk';
import { DomainEventProcessor, isDomainEvent } from './domain-event-processor.ts';
import { logExportersFromEnv, spanProcessorsFromEnv } from './exporters.ts';
import { RedactingSpanProcessor } from './redacting-span-processor.ts';
import type { LossReason } from './retrying-sender.ts';
import { SCOPE } from './scope.ts';

type Log = (message: string) => void;

/** The SDK of this process, as far as we may flush and stop it. */
export interface RunningSdk {
  /** Whether the process already had an SDK. */
  readonly joined: boolean;
  readonly domainEvents: readonly DomainEventProcessor[];
  readonly processors: readonly { forceFlush(): Promise<void> }[];
  shutdown(): Promise<void>;
}

/** How long a flush tries. */
export const FLUSH_TIMEOUT_MS = 5000;

/** Whether a tracer provider is registered: without one a span has no ids. The probe span never ends, so it is never sent. */
export function hasSdk(): boolean {
  return trace.isSpanContextValid(trace.getTracer(SCOPE).startSpan('probe', { root: true }).spanContext());
}

/** Starts an SDK from the standard OTEL_* variables; with OTEL_SDK_DISABLED=true it does nothing. */
export function startSdk(instrumentations: Instrumentation[], resource: Resource, log: Log): RunningSdk {
  const disabled = getBooleanFromEnv('OTEL_SDK_DISABLED');
  const domainEvents = disabled ? [] : domainEventProcessors(log);
  const spanProcessors = disabled ? [] : [new RedactingSpanProcessor(), ...spanProcessorsFromEnv(log)];
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
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

/** Adds to an SDK that is not ours. If it accepts no log records, domain events get their own provider. */
export function joinSdk(instrumentations: Instrumentation[], resource: Resource, log: Log): RunningSdk {
  log('an OpenTelemetry SDK is registered already: only the instrumentations are added to it');
  if (logs.getLogger(SCOPE).enabled({ eventName: 'clowder.file.uploaded' })) {
    registerInstrumentations({ instrumentations });
    return { joined: true, domainEvents: [], processors: [], shutdown: () => Promise.resolve() };
  }
  log('that SDK accepts no log records: domain events are sent separately, by OTEL_EXPORTER_OTLP_*');
  const domainEvents = domainEventProcessors(log);
  const loggerProvider = new LoggerProvider({ resource, processors: domainEvents });
  logs.setGlobalLoggerProvider(loggerProvider);
  registerInstrumentations({ instrumentations, loggerProvider });
  return { joined: true, domainEvents, processors: domainEvents, shutdown: () => loggerProvider.shutdown() };
}

/** Counts lost domain events. */
export function countLost(count: number, reason: LossReason): void {
  // Created only now: at start there is no meter provider yet.
  metrics
    .getMeter(SCOPE)
    .createCounter('clowder.capture.events.lost', { description: 'Domain events lost', unit: '{event}' })
    .add(count, { 'error.type': reason });
}

function domainEventProcessors(log: Log): DomainEventProcessor[] {
  const exporters = logExportersFromEnv(log);
  if (exporters.length === 0) log('OTEL_LOGS_EXPORTER is "none": domain events go nowhere');
  return exporters.map(
    (exporter) => new DomainEventProcessor({ exporter, log, onLost: countLost, flushTimeoutMs: FLUSH_TIMEOUT_MS }),
  );
}

/** The program's own log records are exported the SDK's usual way. */
function otherLogProcessors(log: Log): LogRecordProcessor[] {
  return logExportersFromEnv(log).map((exporter) => new OtherLogsProcessor({ exporter }));
}

class OtherLogsProcessor extends BatchLogRecordProcessor {
  override onEmit(record: ReadWriteLogRecord): void {
    if (!isDomainEvent(record)) super.onEmit(record);
  }
}
