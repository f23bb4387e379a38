import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';

/**
 * Makes this process send spans of its HTTP server over OTLP, configured by the OTEL_* variables. Call it before anything loads
 * `node:http`: only what is loaded later is instrumented.
 *
 * @returns a function that sends the last spans
 */
export function startTelemetry(): () => Promise<void> {
  const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation()] });
  sdk.start();
  return () => sdk.shutdown();
}
