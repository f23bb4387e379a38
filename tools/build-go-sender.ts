import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { buildWithGo } from './go-build.ts';

/** Modules of the server, each in its newest release at the time. */
const MODULES = [
  'go.opentelemetry.io/otel@v1.47.0',
  'go.opentelemetry.io/otel/sdk@v1.47.0',
  'go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc@v1.47.0',
  'go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp@v1.47.0',
  'go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.72.0',
] as const;

/**
 * Builds a server with the OpenTelemetry SDK for Go, which is also a client of OTLP/gRPC.
 *
 * @param source its directory
 * @param target path of the program
 * @param log path of the file for the build's output
 * @throws Error that says what is missing or failed
 */
export function buildGoSender(source: string, target: string, log: string): void {
  buildWithGo(target, log, ({ work, go, run }) => {
    cpSync(source, work, { recursive: true });
    run(go, ['mod', 'init', 'clowder-otel/sender']);
    run(go, ['get', ...MODULES]);
    run(go, ['build', '-o', join(work, 'sender'), '.']);
    return join(work, 'sender');
  });
}
