import { ConsoleLogRecordExporter } from '@opentelemetry/sdk-logs';
import { BatchSpanProcessor, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { logExportersFromEnv, spanProcessorsFromEnv } from './exporters.ts';
import { redactedProcessDetector } from './resource.ts';

afterEach(() => void vi.unstubAllEnvs());

function withEnv(env: Readonly<Record<string, string>>): string[] {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return [];
}

/** What the exporters send and where to, while they export nothing. */
async function contentTypes(env: Readonly<Record<string, string>>): Promise<(string | undefined)[]> {
  const got: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    got.push([request.url, request.headers['content-type'], request.headers['x-from']].join(' ').trim());
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  const said = withEnv({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${address.port}`, ...env });
  for (const exporter of logExportersFromEnv((message) => void said.push(message))) {
    await new Promise<void>((resolve) => exporter.export([], () => resolve()));
    await exporter.shutdown();
  }
  server.closeAllConnections();
  server.close();
  return [...got, ...said];
}

describe('the exporters', () => {
  test.each<[string, Record<string, string>, string[]]>([
    ['http/protobuf by default', {}, ['/v1/logs application/x-protobuf']],
    ['http/json', { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, ['/v1/logs application/json']],
    [
      "the signal's protocol before the common one",
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/protobuf' },
      ['/v1/logs application/x-protobuf'],
    ],
    ['the headers', { OTEL_EXPORTER_OTLP_HEADERS: 'x-from=us' }, ['/v1/logs application/x-protobuf us']],
    ['nothing if they are switched off', { OTEL_LOGS_EXPORTER: 'none' }, []],
    [
      'http/protobuf for an unknown protocol, and say so',
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier/pigeon' },
      [
        '/v1/logs application/x-protobuf',
        'OTLP protocol "carrier/pigeon" is not supported; it may be http/protobuf, http/json, grpc',
      ],
    ],
  ])('follow the standard variables: %s', async (_what, env, sent) => {
    expect(await contentTypes(env)).toEqual(sent);
  });

  test('print to the console on request', () => {
    const said = withEnv({ OTEL_LOGS_EXPORTER: 'console', OTEL_TRACES_EXPORTER: 'console,zipkin' });
    const log = (message: string): void => void said.push(message);
    expect(logExportersFromEnv(log)).toEqual([expect.any(ConsoleLogRecordExporter)]);
    expect(spanProcessorsFromEnv(log)).toEqual([expect.any(SimpleSpanProcessor)]);
    expect(said).toEqual(['OTEL_TRACES_EXPORTER: "zipkin" is not supported; it may be otlp, console or none']);
  });

  test("speak gRPC with the SDK's own exporters", () => {
    const said = withEnv({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
    const log = (message: string): void => void said.push(message);
    expect(spanProcessorsFromEnv(log)).toEqual([expect.any(BatchSpanProcessor)]);
    expect(logExportersFromEnv(log)).toHaveLength(1);
    expect(said).toEqual([]);
  });
});

test('the command line in the resource attributes has no secrets', () => {
  const { argv } = process;
  process.argv = [...argv, '--api-key=CANARY', 'http://us:CANARY@host/?token=CANARY'];
  try {
    const { attributes } = redactedProcessDetector.detect();
    expect(JSON.stringify(attributes)).not.toContain('CANARY');
    expect(attributes?.['process.pid']).toBe(process.pid);
  } finally {
    process.argv = argv;
  }
});
