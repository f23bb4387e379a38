/** The collector's own traces, by the OTel SDK. */
export interface SelfTelemetry {
  shutdown(): Promise<void>;
}

/**
 * Starts the OTel SDK where an endpoint is configured; it reads the standard OTEL_* names. Requests that bring
 * telemetry are never traced: forwarded back to this collector, their spans would make new ones without end.
 */
export async function startSelfTelemetry(endpoint: string | undefined): Promise<SelfTelemetry> {
  if (endpoint === undefined) return { shutdown: async () => undefined };
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] ??= endpoint;
  process.env['OTEL_SERVICE_NAME'] ??= 'clowder-otel-collector';
  const sdk = new NodeSDK({ instrumentations: [] });
  sdk.start();
  return { shutdown: () => sdk.shutdown().catch(() => undefined) };
}
