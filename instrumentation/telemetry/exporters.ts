import { context } from '@opentelemetry/api';
import {
  ExportResultCode,
  getNumberFromEnv,
  getStringFromEnv,
  getStringListFromEnv,
  suppressTracing,
  type ExportResult,
} from '@opentelemetry/core';
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { ConsoleLogRecordExporter, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  SimpleSpanProcessor,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { createRequire } from 'node:module';
import { errorText } from '../../runtime/error-text.ts';

/** For modules that are loaded only when needed. */
const require = createRequire(import.meta.url);

type Log = (message: string) => void;
type ByProtocol<Exporter> = Readonly<Record<string, () => Exporter>>;

interface GrpcTraces {
  readonly OTLPTraceExporter: new () => SpanExporter;
}

interface GrpcLogs {
  readonly OTLPLogExporter: new () => LogRecordExporter;
}

/** By the names of OTEL_EXPORTER_OTLP_PROTOCOL; each exporter itself reads endpoint, headers, certificates, … */
const TRACE_EXPORTERS: ByProtocol<SpanExporter> = {
  'http/protobuf': () => new ProtoTraceExporter(),
  'http/json': () => new JsonTraceExporter(),
  grpc: () => {
    const { OTLPTraceExporter } = require('#otel-grpc-traces') as GrpcTraces;
    return new OTLPTraceExporter();
  },
};
const LOG_EXPORTERS: ByProtocol<LogRecordExporter> = {
  'http/protobuf': () => new ProtoLogExporter(),
  'http/json': () => new JsonLogExporter(),
  grpc: () => {
    const { OTLPLogExporter } = require('#otel-grpc-logs') as GrpcLogs;
    return new OTLPLogExporter();
  },
};

/** OTEL_BSP_* and our defaults, sized for bursts: the SDK's 2048 spans are a fifth of a second of a busy proxy. */
const BATCHES = {
  maxQueueSize: ['OTEL_BSP_MAX_QUEUE_SIZE', 16_384],
  maxExportBatchSize: ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512],
  scheduledDelayMillis: ['OTEL_BSP_SCHEDULE_DELAY', 5000],
  exportTimeoutMillis: ['OTEL_BSP_EXPORT_TIMEOUT', 30_000],
} as const;

/** Span processors, configured by the standard OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_* and OTEL_BSP_*. */
export function spanProcessorsFromEnv(log: Log): SpanProcessor[] {
  return exporterNames('OTEL_TRACES_EXPORTER', log).map((name) => {
    if (name === 'console') return new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() });
    const exporter = byProtocol(TRACE_EXPORTERS, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', log);
    return new BatchSpanProcessor({ exporter: announceFailures(exporter, log), ...spanBatchesFromEnv() });
  });
}

/** Span batch settings, from OTEL_BSP_*. */
export function spanBatchesFromEnv(): Record<keyof typeof BATCHES, number> {
  return {
    maxQueueSize: positive(BATCHES.maxQueueSize),
    maxExportBatchSize: positive(BATCHES.maxExportBatchSize),
    scheduledDelayMillis: positive(BATCHES.scheduledDelayMillis),
    exportTimeoutMillis: positive(BATCHES.exportTimeoutMillis),
  };
}

/** Log record exporters, configured by OTEL_LOGS_EXPORTER and OTEL_EXPORTER_OTLP_*. */
export function logExportersFromEnv(log: Log): LogRecordExporter[] {
  return exporterNames('OTEL_LOGS_EXPORTER', log).map((name) =>
    name === 'console'
      ? new ConsoleLogRecordExporter()
      : byProtocol(LOG_EXPORTERS, 'OTEL_EXPORTER_OTLP_LOGS_PROTOCOL', log),
  );
}

function exporterNames(variable: string, log: Log): ('otlp' | 'console')[] {
  const given = new Set(getStringListFromEnv(variable) ?? []);
  if (given.has('none')) return [];
  const names: ('otlp' | 'console')[] = [];
  for (const name of given.size === 0 ? ['otlp'] : given) {
    if (name === 'otlp' || name === 'console') names.push(name);
    else log(`${variable}: "${name}" is not supported; it may be otlp, console or none`);
  }
  return names;
}

function byProtocol<Exporter>(exporters: ByProtocol<Exporter>, variable: string, log: Log): Exporter {
  const protocol = (getStringFromEnv(variable) ?? getStringFromEnv('OTEL_EXPORTER_OTLP_PROTOCOL'))?.trim();
  const create = exporters[protocol ?? 'http/protobuf'];
  if (create !== undefined) return create();
  log(`OTLP protocol "${protocol}" is not supported; it may be ${Object.keys(exporters).join(', ')}`);
  const [first] = Object.values(exporters);
  if (first === undefined) throw new TypeError('there is no exporter at all');
  return first();
}

function positive([variable, otherwise]: readonly [string, number]): number {
  const value = getNumberFromEnv(variable);
  return value !== undefined && value > 0 ? value : otherwise;
}

/** Wraps the exporter: untraced, and logging once when sending starts to fail and once when it works again. */
function announceFailures(exporter: SpanExporter, log: Log): SpanExporter {
  let failing = false;
  return {
    export: (spans, resultCallback) => {
      const observe = (result: ExportResult): void => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed !== failing) {
          failing = failed;
          const reason = errorText(result.error ?? 'unknown error');
          log(failed ? `spans cannot be sent (${reason}); they are lost until it works again` : 'spans are sent again');
        }
        resultCallback(result);
      };
      context.with(suppressTracing(context.active()), () => exporter.export(spans, observe));
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
}
