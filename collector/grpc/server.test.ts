import { Client, credentials, Metadata, status, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { connect, type ClientHttp2Session } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CollectorError } from '../errors.ts';
import type { KeyGuard } from '../keys/auth.ts';
import type { ApiKey, KeyStore } from '../keys/store.ts';
import { createReceiver, type ReceiverOptions } from '../otlp/receiver.ts';
import { SIGNALS, type Signal } from '../otlp/responses.ts';
import { WireReader } from '../otlp/wire.ts';
import type { Stranger } from '../strangers.ts';
import { startGrpcServer, type GrpcServer } from './server.ts';
import { createAuthority } from '../../test/support/certificates.ts';
import { tempDir } from '../../test/support/processes.ts';

// The rules of the OTLP/gRPC receiver: opentelemetry-proto docs/specification.md 1.11, "OTLP/gRPC"; gRPC over HTTP/2.

const METHODS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};
/** An Export…ServiceRequest with one empty record; for metrics, without a data point. */
const ONE_RECORD = Buffer.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

interface Overrides extends Partial<ReceiverOptions> {
  readonly guard?: KeyGuard;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly submit?: (seen: number) => Promise<{ rejected: number; message?: string }>;
}

/** From the tests' own certificate authority. */
let certificate: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
let directory: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  directory = await tempDir('grpc');
  const authority = await createAuthority(directory.path, 'grpc');
  const { cert, key } = await authority.issue('collector');
  certificate = { ca: readFileSync(authority.ca), cert: readFileSync(cert), key: readFileSync(key) };
});
afterAll(() => directory.remove());

const noKeys = { isEmpty: () => true } as unknown as KeyStore;

async function serving({ guard = { keys: noKeys }, tls, submit, ...overrides }: Overrides = {}) {
  const batches: { signal: Signal; seen: number }[] = [];
  const answered: [string, number][] = [];
  const strangers: [Stranger, string | undefined][] = [];
  const errors: unknown[] = [];
  const sink = { take: () => undefined, access: () => undefined, refuse: () => undefined };
  const receive = createReceiver({
    maxBodyBytes: 64 * 1024,
    maxInflightBytes: 256 * 1024,
    screen: { request: () => true, metric: () => true },
    open: (signal) => ({
      spans: sink,
      logs: sink,
      points: sink,
      submit: async (seen) => {
        batches.push({ signal, seen });
        return submit === undefined ? { rejected: 0 } : submit(seen);
      },
    }),
    ...overrides,
  });
  const server = await startGrpcServer({
    host: '127.0.0.1',
    port: 0,
    tls,
    receive,
    guard,
    onAnswered: (signal, code) => answered.push([signal, code]),
    onStranger: (stranger, address) => strangers.push([stranger, address]),
    log: { error: ({ err }: { err: unknown }) => errors.push(err) },
  });
  closing.push(() => server.close());
  return { server, batches, answered, strangers, errors, call: callerOf(server) };
}

interface Answer {
  readonly code: number;
  readonly details: string;
  readonly message: Buffer | undefined;
  readonly metadata: Metadata;
}

/** A call by the client library. */
function callerOf({ url }: GrpcServer, channel: ChannelCredentials = credentials.createInsecure()) {
  const client = new Client(new URL(url).host.replace('127.0.0.1', 'localhost'), channel);
  closing.push(() => client.close());
  return (path: string, message: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve) => {
      const asIs = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest(path, asIs, asIs, message, metadata, (error: ServiceError | null, value?: Buffer) =>
        resolve({
          code: error?.code ?? status.OK,
          details: error?.details ?? '',
          message: value,
          metadata: error?.metadata ?? new Metadata(),
        }),
      );
    });
  };
}

const prefixed = (message: Uint8Array, flag = 0): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
};

/** A call byte by byte, as no library makes it. */
function rawCall(
  { url }: GrpcServer,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, unknown>>> {
  const session: ClientHttp2Session = connect(url);
  closing.push(() => session.destroy());
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': METHODS.traces,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let answer: Readonly<Record<string, unknown>> = {};
    stream.on('response', (head) => (answer = { ...answer, ...head }));
    stream.on('trailers', (trailers) => (answer = { ...answer, ...trailers }));
    stream.on('error', reject);
    stream.on('close', () => resolve(answer));
    stream.resume().end(body);
  });
}

/** Seconds of the google.rpc.RetryInfo in the trailers; undefined if there is none. */
function retryDelayOf(metadata: Metadata): number | undefined {
  const [details] = metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(details)) return undefined;
  const at = (bytes: Uint8Array, field: number): Uint8Array | undefined => {
    const reader = new WireReader(bytes);
    while (reader.next()) if (reader.field === field) return reader.bytes();
    return undefined;
  };
  const any = at(details, 3) ?? new Uint8Array();
  expect(Buffer.from(at(any, 1) ?? []).toString()).toBe('type.googleapis.com/google.rpc.RetryInfo');
  const reader = new WireReader(at(at(any, 2) ?? new Uint8Array(), 1) ?? new Uint8Array());
  expect(reader.next() && reader.field).toBe(1);
  return reader.value;
}

describe('OTLP/gRPC accepts', () => {
  test.each(SIGNALS)('%s, and gives an empty answer if nothing was rejected', async (signal) => {
    const { call, batches, answered } = await serving();
    const answer = await call(METHODS[signal], ONE_RECORD);
    expect([answer.code, answer.message?.length]).toEqual([status.OK, 0]);
    expect(batches).toEqual([{ signal, seen: signal === 'metrics' ? 0 : 1 }]);
    expect(answered).toEqual([[signal, 0]]);
  });

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
    ['deflate', deflateSync],
  ])('messages compressed with %s', async (encoding, compress) => {
    const { server, batches } = await serving();
    const answer = await rawCall(server, prefixed(compress(ONE_RECORD), 1), { 'grpc-encoding': encoding });
    expect(answer).toMatchObject({ ':status': 200, 'grpc-status': '0' });
    expect(batches).toHaveLength(1);
  });

  test('an uncompressed message although the call names an encoding', async () => {
    const { server, batches } = await serving();
    expect(await rawCall(server, prefixed(ONE_RECORD), { 'grpc-encoding': 'gzip' })).toMatchObject({
      'grpc-status': '0',
    });
    expect(batches).toHaveLength(1);
  });

  test('gzip from the client library, and lists the supported encodings', async () => {
    const { call, server } = await serving();
    expect(
      (
        await call(METHODS.logs, Buffer.alloc(300 * ONE_RECORD.length, ONE_RECORD), {
          'grpc-internal-encoding-request': 'gzip',
        })
      ).code,
    ).toBe(status.OK);
    expect((await rawCall(server, prefixed(ONE_RECORD)))['grpc-accept-encoding']).toBe('identity,gzip,zstd,deflate');
  });

  test('calls over TLS', async () => {
    const { server } = await serving({ tls: certificate });
    const call = callerOf(server, credentials.createSsl(certificate.ca));
    expect(server.url).toMatch(/^https:/);
    expect(await call(METHODS.traces, ONE_RECORD)).toMatchObject({ code: status.OK, details: '' });
  });

  test('many calls at once on one connection', async () => {
    const { call, batches } = await serving();
    const answers = await Promise.all(Array.from({ length: 250 }, () => call(METHODS.traces, ONE_RECORD)));
    expect(new Set(answers.map(({ code }) => code))).toEqual(new Set([status.OK]));
    expect(batches).toHaveLength(250);
  });
});

test('partial_success names what was rejected, with code OK', async () => {
  const { call } = await serving({ submit: async () => ({ rejected: 2, message: 'Ä: no' }) });
  const { code, message } = await call(METHODS.logs, ONE_RECORD);
  expect(code).toBe(status.OK);
  expect(message?.toString('latin1')).toContain(Buffer.from('Ä: no').toString('latin1'));
});

describe('a failed call', () => {
  test.each([
    ['journal_full', status.UNAVAILABLE, 2],
    ['busy', status.UNAVAILABLE, 1],
    ['too_many_requests', status.RESOURCE_EXHAUSTED, 1],
    ['batch_too_large', status.RESOURCE_EXHAUSTED, undefined],
    ['malformed_protobuf', status.INVALID_ARGUMENT, undefined],
  ] as const)('with %s has the code %i, and RetryInfo only if trying again helps', async (why, code, retry) => {
    const { call, answered } = await serving({
      submit: () => Promise.reject(new CollectorError(why, 'Größer: 100 %')),
    });
    const answer = await call(METHODS.traces, ONE_RECORD);
    expect([answer.code, answer.details]).toEqual([code, 'Größer: 100 %']);
    expect(retryDelayOf(answer.metadata)).toBe(retry);
    expect(answered).toEqual([['traces', code]]);
  });

  test('for an unexpected reason is logged, and the answer hides the reason', async () => {
    const fault = new Error('password is s3cret');
    const { call, errors } = await serving({ submit: () => Promise.reject(fault) });
    const answer = await call(METHODS.traces, ONE_RECORD);
    expect(answer.code).toBe(status.INTERNAL);
    expect(JSON.stringify(answer)).not.toContain('s3cret');
    expect(errors).toEqual([fault]);
  });

  test('for an unknown method names the known ones', async () => {
    const { call, answered } = await serving();
    const answer = await call(
      '/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export',
      ONE_RECORD,
    );
    expect([answer.code, answer.details]).toEqual([status.UNIMPLEMENTED, expect.stringContaining(METHODS.traces)]);
    expect(answered).toEqual([['other', status.UNIMPLEMENTED]]);
  });

  test.each([
    ['bytes that are not protobuf', prefixed(Buffer.from('nonsense')), {}, '3', /malformed/],
    ['a truncated message', prefixed(ONE_RECORD).subarray(0, 8), {}, '3', /cut off/],
    ['nothing at all', Buffer.alloc(0), {}, '3', /cut off/],
    ['two messages', Buffer.concat([prefixed(ONE_RECORD), prefixed(ONE_RECORD)]), {}, '3', /more than one/],
    ['an unknown flag', prefixed(ONE_RECORD, 7), {}, '3', /begins with 7/],
    [
      'a compressed message although the call names no encoding',
      prefixed(gzipSync(ONE_RECORD), 1),
      {},
      '3',
      /grpc-encoding/,
    ],
    ['data that is not gzip', prefixed(Buffer.from('nonsense'), 1), { 'grpc-encoding': 'gzip' }, '3', /not valid gzip/],
    [
      'half of a zstd frame',
      prefixed(zstdCompressSync(ONE_RECORD).subarray(0, 9), 1),
      { 'grpc-encoding': 'zstd' },
      '3',
      /zstd/,
    ],
    ['snappy', prefixed(ONE_RECORD, 1), { 'grpc-encoding': 'snappy' }, '12', /gzip, zstd, deflate/],
  ] as const)('says so if it brings %s', async (_, body, headers, code, said) => {
    const { server, batches } = await serving();
    const answer = await rawCall(server, body, headers);
    expect(answer).toMatchObject({ ':status': 200, 'grpc-status': code });
    expect(decodeURIComponent(String(answer['grpc-message']))).toMatch(said);
    expect(batches).toEqual([]);
  });

  test('is not gRPC if its content type is another', async () => {
    const { server } = await serving();
    expect(await rawCall(server, ONE_RECORD, { 'content-type': 'application/x-protobuf' })).toMatchObject({
      ':status': 415,
    });
  });
});

describe('limits', () => {
  test.each([
    ['as it comes', Buffer.alloc(64 * 1024 + 1), 0],
    ['after decompression', gzipSync(Buffer.alloc(32 * 1024 ** 2)), 1],
  ])('a message that is too large %s ends the call, and the rest is not read', async (_, message, flag) => {
    const { server, batches } = await serving();
    const answer = await rawCall(server, prefixed(message, flag), flag === 1 ? { 'grpc-encoding': 'gzip' } : {});
    expect(answer['grpc-status']).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(decodeURIComponent(String(answer['grpc-message']))).toContain('larger than');
    expect(batches).toEqual([]);
  });

  test('a message of the maximum size is accepted', async () => {
    const { server, batches } = await serving({ maxBodyBytes: ONE_RECORD.length });
    expect((await rawCall(server, prefixed(ONE_RECORD)))['grpc-status']).toBe('0');
    expect(batches).toHaveLength(1);
  });

  test('all calls share one budget, and a call beyond it may try again', async () => {
    const { promise, resolve } = Promise.withResolvers<{ rejected: number }>();
    const { call } = await serving({ maxInflightBytes: 10, submit: () => promise });
    const [first, second] = [call(METHODS.traces, ONE_RECORD), call(METHODS.traces, ONE_RECORD)];
    const refused = await Promise.race([first, second]);
    expect([refused.code, retryDelayOf(refused.metadata)]).toEqual([status.UNAVAILABLE, 1]);
    resolve({ rejected: 0 });
    expect((await Promise.all([first, second])).map(({ code }) => code).toSorted((one, other) => one - other)).toEqual([
      status.OK,
      status.UNAVAILABLE,
    ]);
  });
});

describe('keys', () => {
  const key: ApiKey = { id: 'k', name: 'k', scopes: ['ingest'], ratePerS: 100, createdAtMs: 0, revokedAtMs: undefined };
  const keys = {
    isEmpty: () => false,
    verify: (presented: string) =>
      presented === 'good' ? key : presented === 'other' ? { ...key, scopes: ['read'] } : 'unknown',
  } as unknown as KeyStore;

  test.each([
    ['authorization', { authorization: 'Bearer good' }, status.OK],
    ['x-api-key', { 'x-api-key': 'good' }, status.OK],
    ['none', {}, status.UNAUTHENTICATED],
    ['an unknown one', { authorization: 'Bearer bad' }, status.UNAUTHENTICATED],
    ['one of another scope', { authorization: 'Bearer other' }, status.PERMISSION_DENIED],
  ])('come in the metadata: %s', async (_, headers, code) => {
    const { call } = await serving({ guard: { keys } });
    expect((await call(METHODS.traces, ONE_RECORD, headers)).code).toBe(code);
  });

  test('are checked before the message: a caller without one is answered while it still sends', async () => {
    const { server } = await serving({ guard: { keys } });
    const session = connect(server.url);
    closing.push(() => session.destroy());
    const stream = session.request({ ':method': 'POST', ':path': METHODS.traces, 'content-type': 'application/grpc' });
    const [head] = await new Promise<readonly Readonly<Record<string, unknown>>[]>((resolve, reject) => {
      stream.on('response', (answer) => resolve([answer]));
      stream.on('error', reject);
    });
    expect(head).toMatchObject({ 'grpc-status': String(status.UNAUTHENTICATED) });
  });

  test('on hold make senders wait', async () => {
    const refuse = ({ message }: CollectorError): CollectorError => new CollectorError('key_on_hold', message);
    const { call } = await serving({ guard: { keys, refuse } });
    const answer = await call(METHODS.traces, ONE_RECORD);
    expect([answer.code, retryDelayOf(answer.metadata)]).toEqual([status.UNAVAILABLE, 5]);
  });

  test('are not needed before the first one is made, for clients that call this machine by its own name', async () => {
    const { server } = await serving();
    const answer = await rawCall(server, prefixed(ONE_RECORD), { ':authority': 'collector.example.org' });
    expect(answer['grpc-status']).toBe(String(status.PERMISSION_DENIED));
  });
});

describe('a client that speaks something else', () => {
  const sends = (port: string, bytes: Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      const socket = connectSocket(Number(port), '127.0.0.1', () => socket.write(bytes));
      socket.resume();
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });

  const HTTP1 = Buffer.from('POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n');

  test('is logged if it speaks HTTP/1', async () => {
    const { server, strangers } = await serving();
    await sends(new URL(server.url).port, HTTP1);
    expect(strangers).toEqual([['otherAtGrpc', '127.0.0.1']]);
  });

  test('is logged if it speaks plain text and TLS is required', async () => {
    const { server, strangers } = await serving({ tls: certificate });
    await sends(new URL(server.url).port, HTTP1);
    expect(strangers.map(([stranger]) => stranger)).toEqual(['plainAtGrpc']);
  });
});

describe('close', () => {
  test('answers the calls in flight, and accepts no new ones', async () => {
    const { promise, resolve } = Promise.withResolvers<{ rejected: number }>();
    const begun = Promise.withResolvers<void>();
    const { call, server } = await serving({
      submit: () => {
        begun.resolve();
        return promise;
      },
    });
    const inFlight = call(METHODS.traces, ONE_RECORD);
    await begun.promise;
    const closed = server.close();
    resolve({ rejected: 0 });
    expect((await inFlight).code).toBe(status.OK);
    await closed;
    expect((await callerOf(server)(METHODS.traces, ONE_RECORD)).code).toBe(status.UNAVAILABLE);
  });
});
