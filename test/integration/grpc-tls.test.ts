import { readFile } from 'node:fs/promises';
import { Client, credentials, Metadata, status, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { makeKey, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { observedRequest, sendOtlp, spansOf } from '../support/observed-requests.ts';
import { startOtelCollector } from '../support/otel-collector.ts';
import { tempDir } from '../support/processes.ts';
import { waitFor } from '../support/wait-for.ts';

const REQUESTS = 20;

let temp: Awaited<ReturnType<typeof tempDir>>;
let ca: string;
let key: string;
let collector: CollectorProcess;

beforeAll(async () => {
  temp = await tempDir('grpc-tls');
  const authority = await createAuthority(temp.path, 'own');
  const { cert, key: certKey } = await authority.issue('collector');
  ({ ca } = authority);
  key = await makeKey(temp.path, 'ingest');
  const env = { CLOWDER_VERSION: 'v1', GRPC_TLS_CERT_FILE: cert, GRPC_TLS_KEY_FILE: certKey };
  collector = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1', dataDir: temp.path, env });
});

afterAll(async () => {
  await collector.stop();
  await temp.remove();
});

async function events(): Promise<number> {
  const text = await (await fetch(`${collector.url}/metrics`)).text();
  return Number(/^clowder_otel_events_total\{type="view.download"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Sends an empty request. @returns its gRPC status */
function call(port: number, by: ChannelCredentials, metadata = new Metadata()): Promise<number> {
  const client = new Client(`localhost:${port}`, by);
  const none = (): Buffer => Buffer.alloc(0);
  return new Promise<number>((resolve) => {
    const deadline = Date.now() + 10_000;
    const onAnswer = (error: ServiceError | null): void => resolve(error?.code ?? status.OK);
    const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
    client.makeUnaryRequest(path, none, (bytes: Buffer) => bytes, none(), metadata, { deadline }, onAnswer);
  }).finally(() => client.close());
}

describe('OTLP/gRPC over TLS', () => {
  test('accepts what an OTel Collector with our CA and a key sends', async () => {
    await using otel = await startOtelCollector(({ otlpPort }) => ({
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlpPort}` } } } },
      exporters: {
        otlp: {
          endpoint: `127.0.0.1:${collector.grpcPort}`,
          tls: { ca_file: ca },
          headers: { authorization: `Bearer ${key}` },
        },
      },
      service: { pipelines: { traces: { receivers: ['otlp'], exporters: ['otlp'] } } },
    }));
    const requests = Array.from({ length: REQUESTS }, () => observedRequest());
    expect(await sendOtlp(otel.url, 'traces', spansOf(requests))).toBe(true);
    await waitFor(async () => (await events()) === REQUESTS, { what: 'an event of each request' });
  });

  test('answers clients that trust our CA: with a key, OK; without one, that they need one', async () => {
    const by = credentials.createSsl(await readFile(ca));
    const withKey = new Metadata();
    withKey.set('authorization', `Bearer ${key}`);
    expect(await call(collector.grpcPort, by, withKey)).toBe(status.OK);
    expect(await call(collector.grpcPort, by)).toBe(status.UNAUTHENTICATED);
  });

  test('refuses clients that do not trust our CA, or do not speak TLS', async () => {
    expect(await call(collector.grpcPort, credentials.createSsl())).toBe(status.UNAVAILABLE);
    expect(await call(collector.grpcPort, credentials.createInsecure())).toBe(status.UNAVAILABLE);
    expect(await events()).toBe(REQUESTS);
  });
});
