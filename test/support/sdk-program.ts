import { SpanKind, context, trace } from '@opentelemetry/api';
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/** Sends what a program with an OTel SDK sends for one download: its server span and, within it, an explicit log record. */
export async function emitDownload(
  url: string,
  encoding: 'proto' | 'json',
  fileId: string,
): Promise<{ traceId: string }> {
  const [TraceExporter, LogExporter] =
    encoding === 'proto' ? [ProtoTraceExporter, ProtoLogExporter] : [JsonTraceExporter, JsonLogExporter];
  const tracers = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: new TraceExporter({ url: `${url}/v1/traces` }) })],
  });
  const loggers = new LoggerProvider({
    processors: [new SimpleLogRecordProcessor({ exporter: new LogExporter({ url: `${url}/v1/logs` }) })],
  });
  const span = tracers.getTracer('test').startSpan('GET', {
    kind: SpanKind.SERVER,
    attributes: {
      'http.request.method': 'GET',
      'url.path': `/api/files/${fileId}/blob`,
      'url.query': 'key=s3cret',
      'http.response.status_code': 200,
      'http.response.body.size': 42,
      'user_agent.original': 'curl/8.5',
    },
  });
  loggers.getLogger('test').emit({
    eventName: 'clowder.extraction.working',
    context: trace.setSpan(context.active(), span),
    attributes: { 'clowder.file.id': fileId, 'clowder.extraction.message': 'tiling' },
  });
  span.end();
  await Promise.all([tracers.forceFlush(), loggers.forceFlush()]);
  await Promise.all([tracers.shutdown(), loggers.shutdown()]);
  return { traceId: span.spanContext().traceId };
}
