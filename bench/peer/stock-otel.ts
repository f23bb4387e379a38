import { register } from 'node:module';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { NodeSDK } from '@opentelemetry/sdk-node';

/**
 * Stock OpenTelemetry for the peer of the proxy-otel row: the SDK with the http and Express instrumentations, otherwise with
 * its defaults. OTEL_EXPORTER_OTLP_ENDPOINT says where it sends.
 *
 * node --import bench/peer/stock-otel.ts …
 */
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);
new NodeSDK({ instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()] }).start();
