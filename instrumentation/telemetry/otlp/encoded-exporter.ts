import { createOtlpHttpExportDelegate, convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import {
  LogsExporterMetricsHelper,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
} from '@opentelemetry/otlp-transformer';
import type { Resource } from '@opentelemetry/resources';
import type { ItemExporter } from '../retrying-sender.ts';
import { SCOPE } from '../scope.ts';
import { encodeRequest, encodeResource, encodeScope } from './encode.ts';

const HEADERS = { 'Content-Type': 'application/x-protobuf' };

/** Each signal's part in environment variable names, its path, and the deserializer of the receiver's answer. */
const SIGNALS = {
  traces: {
    variable: 'TRACES',
    path: 'v1/traces',
    answer: ProtobufTraceSerializer,
    metrics: TraceExporterMetricsHelper.name,
  },
  logs: { variable: 'LOGS', path: 'v1/logs', answer: ProtobufLogsSerializer, metrics: LogsExporterMetricsHelper.name },
} as const;

/**
 * Exports encoded entries through the SDK's own transport, with the endpoint, headers, certificates, compression, time-out and
 * retries of OTEL_EXPORTER_OTLP_*, over http/protobuf.
 *
 * @param resource encoded once, with the first request
 */
export function createEncodedExporter(signal: keyof typeof SIGNALS, resource: Resource): ItemExporter<Uint8Array> {
  const { variable, path, answer, metrics } = SIGNALS[signal];
  const scope = encodeScope(SCOPE);
  let described: Uint8Array | undefined;
  const delegate = createOtlpHttpExportDelegate<readonly Uint8Array[], unknown>(
    convertLegacyHttpOptions({}, variable, path, HEADERS),
    {
      serializeRequest: (entries) => {
        described ??= encodeResource(resource.attributes);
        return encodeRequest(described, scope, entries);
      },
      deserializeResponse: (response) => answer.deserializeResponse(response),
    },
    'otlp_http_encoded_exporter',
    { name: metrics, countItems: (entries) => entries.length },
    undefined,
  );
  return {
    export(entries, resultCallback) {
      if (resource.asyncAttributesPending !== true) return delegate.export(entries, resultCallback);
      const send = (): void => delegate.export(entries, resultCallback);
      void (resource.waitForAsyncAttributes?.() ?? Promise.resolve()).then(send, send);
    },
    shutdown: () => delegate.shutdown(),
  };
}
