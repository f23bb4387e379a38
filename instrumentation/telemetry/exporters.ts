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
import { redactText } from '../../taxonomy/redaction.ts';

type Log = (message: string) => void;

/** OTLP protocols by their name in OTEL_EXPORTER_OTLP_PROTOCOL; each exporter reads endpoint, headers, … itself. */
const TRACE_EXPORTERS: Readonly<Record<string, () => SpanExporter>> = {
  'http/protobuf': () => new ProtoTraceExporter(),
  'http/json': () => new JsonTraceExporter(),
};
const LOG_EXPORTERS: Readonly<Record<string, () => LogRecordExporter>> = {
  'http/protobuf': () => new ProtoLogExporter(),
  'http/json': () => new JsonLogExporter(),
};

/** Room for a burst: the SDK's default, 2048 spans, is a tenth of a second of a busy proxy. */
const SPAN_QUEUE = 16_384;

/** What exports spans, by the standard names OTEL_TRACES_EXPORTER, OTEL_EXPORTER_OTLP_* and OTEL_BSP_*. */
export function spanProcessorsFromEnv(log: Log): SpanProcessor[] {
  return exporterNames('OTEL_TRACES_EXPORTER', log).map((name) =>
    name === 'console'
      ? new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })
      : new BatchSpanProcessor({
          exporter: announceFailures(
            byProtocol(TRACE_EXPORTERS, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', log),
            'spans',
            log,
          ),
          maxQueueSize: getNumberFromEnv('OTEL_BSP_MAX_QUEUE_SIZE') ?? SPAN_QUEUE,
          ...defined({
            maxExportBatchSize: getNumberFromEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
            scheduledDelayMillis: getNumberFromEnv('OTEL_BSP_SCHEDULE_DELAY'),
            exportTimeoutMillis: getNumberFromEnv('OTEL_BSP_EXPORT_TIMEOUT'),
          }),
        }),
  );
}

/** Exporters of log records, by OTEL_LOGS_EXPORTER and OTEL_EXPORTER_OTLP_*. */
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

function byProtocol<Exporter>(
  exporters: Readonly<Record<string, () => Exporter>>,
  variable: string,
  log: Log,
): Exporter {
  const protocol = getStringFromEnv(variable) ?? getStringFromEnv('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
  const create = exporters[protocol];
  if (create !== undefined) return create();
  log(
    `OTLP protocol "${protocol}" is not supported; it may be ${Object.keys(exporters).join(' or ')}. Taking http/protobuf`,
  );
  return byProtocol(exporters, variable, log);
}

function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const given: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in options) {
    const value = options[key];
    if (value !== undefined) given[key] = value as Exclude<T[typeof key], undefined>;
  }
  return given;
}

/** The exporter, untraced, that says once when sending starts to fail and once when it works again. */
function announceFailures(exporter: SpanExporter, what: string, log: Log): SpanExporter {
  let failing = false;
  return {
    export: (items, resultCallback) => {
      const observe = (result: ExportResult): void => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed !== failing) {
          failing = failed;
          const reason = redactText(result.error?.message ?? 'unknown error');
          log(
            failed
              ? `${what} cannot be sent (${reason}); they are lost until it works again`
              : `${what} are sent again`,
          );
        }
        resultCallback(result);
      };
      context.with(suppressTracing(context.active()), () => exporter.export(items, observe));
    },
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() }),
  };
}
