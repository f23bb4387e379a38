import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';

/**
 * Makes this process send spans of its HTTP server by OTLP, as the OTEL_* variables say. Before anything loads
 * `node:http`: only what is loaded later is instrumented.
 *
 * @returns what sends the last spans
 */
export function startTelemetry(): () => Promise<void> {
  const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] });
  sdk.start();
  return () => sdk.shutdown();
}
