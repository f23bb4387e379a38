import { once } from 'node:events';
import { parseArgs } from 'node:util';

/**
 * Runs a stand-in Clowder: `node test/stand-in/main.ts --version v1 --port 9000 [--host 127.0.0.1] [--context-path /clowder]`.
 * With OTEL_EXPORTER_OTLP_ENDPOINT it also sends spans, as an instrumented Clowder would.
 */
const { values } = parseArgs({
  options: {
    version: { type: 'string', default: 'v1' },
    port: { type: 'string', default: '9000' },
    host: { type: 'string', default: '127.0.0.1' },
    'context-path': { type: 'string', default: '' },
  },
});
const { version, host, port, 'context-path': contextPath } = values;
if (version !== 'v1' && version !== 'v2') {
  console.error(`--version must be v1 or v2, was ${version}`);
  process.exit(2);
}

const hasEndpoint = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] !== undefined;
const flush = hasEndpoint ? (await import('./telemetry.ts')).startTelemetry() : async () => {};
const { createStandIn } = await import('./server.ts');

const server = createStandIn({ version, contextPath }).listen(Number(port), host);
await once(server, 'listening');
console.log(`stand-in Clowder ${version} listening on http://${host}:${port}${contextPath}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
    void flush().finally(() => process.exit(0));
  });
}
