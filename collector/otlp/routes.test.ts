import type { Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, describe, expect, test } from 'vitest';
import type { Signal } from './responses.ts';
import { answerErrors } from '../answer-error.ts';
import { CollectorError } from '../errors.ts';
import { createReceiver, type ReceiverOptions } from './receiver.ts';
import { otlpRoutes } from './routes.ts';

// The rules of the OTLP/HTTP receiver: opentelemetry-proto docs/specification.md 1.11. Test names quote them.

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';
const SIGNALS = ['traces', 'logs', 'metrics'] as const;
/** An ExportTraceServiceRequest with one empty span; the other signals have the same structure. */
const ONE_RECORD = Uint8Array.of(0x0a, 0x04, 0x12, 0x02, 0x12, 0x00);

/** What came of a request. */
interface Received {
  readonly signal: Signal;
  readonly refused: readonly string[];
  readonly seen: number;
}

interface Overrides extends Partial<ReceiverOptions> {
  readonly accept?: (batch: Received) => Promise<{ rejected: number; message?: string }>;
}

function receiver({ accept, ...overrides }: Overrides = {}) {
  const batches: Received[] = [];
  const errors: unknown[] = [];
  const app = new Hono();
  answerErrors(app, { error: ({ err }: { err: unknown }) => errors.push(err) });
  app.route(
    '/',
    otlpRoutes(
      createReceiver({
        maxBodyBytes: 64 * 1024,
        maxInflightBytes: 256 * 1024,
        screen: { request: () => true, metric: () => true },
        open: (signal) => {
          const refused: string[] = [];
          const sink = {
            take: () => undefined,
            access: () => undefined,
            refuse: (why: string) => void refused.push(why),
          };
          return {
            spans: sink,
            logs: sink,
            points: sink,
            submit: async (seen) => {
              batches.push({ signal, refused, seen });
              return accept === undefined ? { rejected: 0 } : accept({ signal, refused, seen });
            },
          };
        },
        ...overrides,
      }),
    ),
  );
  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    app.request(path, { method: 'POST', body, headers: { 'content-type': JSON_TYPE, ...headers } });
  return { app, post, batches, errors };
}

/** A google.rpc.Status in protobuf: code and message. */
async function statusOf(response: Response): Promise<{ code: number; message: string }> {
  const body = Buffer.from(await response.arrayBuffer());
  expect([body[0], body[2]]).toEqual([0x08, 0x12]);
  const long = (body[3] ?? 0) > 127;
  return { code: body[1] ?? -1, message: body.subarray(long ? 5 : 4).toString() };
}

describe('MUST: POST on /v1/traces, /v1/metrics, /v1/logs; bodies uncompressed and gzip', () => {
  test.each(SIGNALS)(
    '%s in both encodings, plain and gzip, on the same port (TestProtoHTTP, TestJSONHTTP)',
    async (signal) => {
      const { post, batches } = receiver();
      for (const [type, body] of [
        [JSON_TYPE, Buffer.from('{}')],
        [PROTOBUF_TYPE, ONE_RECORD],
      ] as const) {
        expect((await post(`/v1/${signal}`, new Uint8Array(body), { 'content-type': type })).status).toBe(200);
        expect(
          (
            await post(`/v1/${signal}`, new Uint8Array(gzipSync(body)), {
              'content-type': type,
              'content-encoding': 'gzip',
            })
          ).status,
        ).toBe(200);
      }
      expect(batches.map((batch) => batch.signal)).toEqual([signal, signal, signal, signal]);
    },
  );
});

const COMPRESSIONS: readonly (readonly [name: string, compress: (bytes: Uint8Array) => Buffer])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['zlib', deflateSync],
  ['zstd', zstdCompressSync],
  ['ZSTD', zstdCompressSync],
];

describe('a compressed body', () => {
  const send = (post: ReturnType<typeof receiver>['post'], coding: string, body: Uint8Array) =>
    post('/v1/traces', new Uint8Array(body), { 'content-type': PROTOBUF_TYPE, 'content-encoding': coding });

  test.each(COMPRESSIONS)('is accepted if it is %s', async (coding, compress) => {
    const { post, batches } = receiver();
    expect((await send(post, coding, compress(ONE_RECORD))).status).toBe(200);
    expect(batches).toMatchObject([{ seen: 1 }]);
  });

  test.each(COMPRESSIONS)('of %s is inflated up to the limit, and no further', async (coding, compress) => {
    const { post, batches } = receiver();
    const answer = await send(post, coding, compress(Buffer.alloc(32 * 1024 ** 2)));
    expect(answer.status).toBe(413);
    expect((await statusOf(answer)).message).toContain('larger than 65536 bytes (after decompression)');
    expect(batches).toEqual([]);
  });

  test.each(COMPRESSIONS)('that is truncated, or not %s, gets 400, which says which', async (coding, compress) => {
    const { post } = receiver();
    const whole = compress(ONE_RECORD);
    for (const wrong of [whole.subarray(0, whole.length - 4), Buffer.from('nonsense')]) {
      const answer = await send(post, coding, wrong);
      expect(answer.status).toBe(400);
      expect((await statusOf(answer)).message).toMatch(/^The body is not valid (?:gzip|deflate|zstd): /);
    }
  });

  test.each(['snappy', 'lz4', 'x-snappy-framed', 'br', 'gzip, gzip', 'constructor'])(
    'of %s gets 415, with the accepted encodings',
    async (coding) => {
      const { post } = receiver();
      const answer = await send(post, coding, ONE_RECORD);
      expect([answer.status, answer.headers.get('accept-encoding')]).toEqual([415, 'gzip, zstd, deflate']);
      expect((await statusOf(answer)).message).toBe(
        `Content-Encoding ${coding} is not supported: send gzip, zstd, deflate, or no compression`,
      );
    },
  );
});

describe('MUST: limit the body, also after decompression; over it: 413', () => {
  test('a body that is too large (TestHTTPMaxRequestBodySize)', async () => {
    const { post, batches } = receiver();
    expect((await post('/v1/logs', ' '.repeat(64 * 1024 + 1))).status).toBe(413);
    expect((await post('/v1/logs', `{}${' '.repeat(64 * 1024 - 2)}`)).status).toBe(200);
    expect(batches).toHaveLength(1);
  });

  test('a zip bomb', async () => {
    const { post, batches } = receiver();
    const bomb = gzipSync(Buffer.alloc(32 * 1024 ** 2));
    expect(bomb.length).toBeLessThan(64 * 1024);
    const response = await post('/v1/traces', new Uint8Array(bomb), {
      'content-encoding': 'gzip',
      'content-type': PROTOBUF_TYPE,
    });
    expect(response.status).toBe(413);
    expect((await statusOf(response)).message).toContain('larger than 65536 bytes (after decompression)');
    expect(batches).toEqual([]);
  });
});

describe("MUST: response Content-Type = the request's", () => {
  test.each([JSON_TYPE, PROTOBUF_TYPE, `${JSON_TYPE}; charset=utf-8`])('%s', async (type) => {
    const { post } = receiver();
    const expected = type.split(';')[0];
    const success = await post('/v1/traces', new Uint8Array(type === PROTOBUF_TYPE ? ONE_RECORD : Buffer.from('{}')), {
      'content-type': type,
    });
    const failure = await post('/v1/traces', new Uint8Array([0x7b, 0x0b]), { 'content-type': type });
    expect([success.status, success.headers.get('content-type')]).toEqual([200, expected]);
    expect([failure.status, failure.headers.get('content-type')]).toEqual([400, expected]);
  });
});

describe('MUST: success and partial success', () => {
  test('success is 200 with partial_success unset: {} in JSON, no bytes in protobuf', async () => {
    const { post } = receiver();
    expect(await (await post('/v1/traces', '{}')).text()).toBe('{}');
    expect(
      (await (await post('/v1/traces', ONE_RECORD, { 'content-type': PROTOBUF_TYPE })).arrayBuffer()).byteLength,
    ).toBe(0);
  });

  test.each([
    ['traces', 'rejectedSpans'],
    ['logs', 'rejectedLogRecords'],
    ['metrics', 'rejectedDataPoints'],
  ])('partial success of %s is 200 with the rejected count and a reason', async (signal, field) => {
    const { post } = receiver({ accept: async () => ({ rejected: 300, message: 'why' }) });
    const json = await post(`/v1/${signal}`, '{}');
    expect([json.status, await json.json()]).toEqual([
      200,
      { partialSuccess: { [field]: '300', errorMessage: 'why' } },
    ]);
    const protobuf = await post(`/v1/${signal}`, ONE_RECORD, { 'content-type': PROTOBUF_TYPE });
    expect([...new Uint8Array(await protobuf.arrayBuffer())]).toEqual([
      0x0a,
      8,
      0x08,
      0xac,
      0x02,
      0x12,
      3,
      ...Buffer.from('why'),
    ]);
  });

  test('a warning with everything accepted has rejected = 0 and a message', async () => {
    const { post } = receiver({ accept: async () => ({ rejected: 0, message: 'careful' }) });
    expect(await (await post('/v1/logs', '{}')).json()).toEqual({
      partialSuccess: { rejectedLogRecords: '0', errorMessage: 'careful' },
    });
  });
});

describe("MUST: every 4xx and 5xx body is a google.rpc.Status in the request's encoding", () => {
  const busy = new CollectorError('journal_full', 'The journal is full', { retryAfterS: 60 });
  const cases: [string, number, number, (type: string) => Response | Promise<Response>][] = [
    [
      'an undecodable body',
      400,
      3,
      (type) => receiver().post('/v1/traces', new Uint8Array([0x0b, 0x7b]), { 'content-type': type }),
    ],
    ['an unknown path', 404, 5, (type) => receiver().post('/v1/profiles', '{}', { 'content-type': type })],
    [
      'another method',
      405,
      12,
      (type) => receiver().app.request('/v1/logs', { method: 'PUT', headers: { 'content-type': type } }),
    ],
    [
      'a body that is too large',
      413,
      8,
      (type) => receiver().post('/v1/logs', ' '.repeat(70_000), { 'content-type': type }),
    ],
    [
      'an unknown encoding',
      415,
      3,
      (type) => receiver().post('/v1/logs', '{}', { 'content-type': type, 'content-encoding': 'br' }),
    ],
    [
      'a full journal',
      503,
      14,
      (type) => receiver({ accept: () => Promise.reject(busy) }).post('/v1/logs', '', { 'content-type': type }),
    ],
    [
      'a bug',
      500,
      13,
      (type) =>
        receiver({ accept: () => Promise.reject(new Error('bug')) }).post('/v1/logs', '', { 'content-type': type }),
    ],
  ];
  test.each(cases)('%s: %i', async (_, status, code, send) => {
    const json = await send(JSON_TYPE);
    expect([json.status, json.headers.get('content-type')]).toEqual([status, JSON_TYPE]);
    expect(await json.json()).toEqual({ code, message: expect.stringMatching(/./) });
    const protobuf = await send(PROTOBUF_TYPE);
    expect([protobuf.status, protobuf.headers.get('content-type')]).toEqual([status, PROTOBUF_TYPE]);
    expect(await statusOf(protobuf)).toEqual({ code, message: expect.stringMatching(/./) });
  });

  test.each([
    [401, 16, 'unauthorized'],
    [403, 7, 'forbidden'],
    [429, 8, 'too_many_requests'],
  ] as const)('a guard in front answers %i in the same form', async (status, code, name) => {
    const app = new Hono();
    answerErrors(app, { error: () => undefined });
    app.use(() => Promise.reject(new CollectorError(name, 'No', { retryAfterS: 2 }))).route('/', receiver().app);
    const send = (type: string) => app.request('/v1/logs', { method: 'POST', headers: { 'content-type': type } });
    const [json, protobuf] = [await send(JSON_TYPE), await send(PROTOBUF_TYPE)];
    expect([json.status, json.headers.get('retry-after'), await json.json()]).toEqual([
      status,
      '2',
      { code, message: 'No' },
    ]);
    expect([protobuf.status, await statusOf(protobuf)]).toEqual([status, { code, message: 'No' }]);
  });

  test('405 says which method is allowed', async () => {
    expect((await receiver().app.request('/v1/traces')).headers.get('allow')).toBe('POST');
  });

  test.each(['text/plain', 'application/xml', ''])(
    '415 for Content-Type "%s", in JSON (TestOTLPReceiverNoContentType)',
    async (type) => {
      const response = await receiver().app.request('/v1/traces', {
        method: 'POST',
        body: new Uint8Array(ONE_RECORD),
        headers: type === '' ? {} : { 'content-type': type },
      });
      expect([response.status, response.headers.get('content-type')]).toEqual([415, JSON_TYPE]);
      expect(await response.json()).toEqual({
        code: 3,
        message: expect.stringContaining('send application/x-protobuf or application/json'),
      });
    },
  );
});

describe('MUST: not decodable or permanently bad: 400', () => {
  test.each([
    ['truncated protobuf', PROTOBUF_TYPE, ONE_RECORD.subarray(0, 3), {}],
    ['truncated JSON', JSON_TYPE, '{"resourceSpans":', {}],
    ['broken gzip (TestOTLPReceiverInvalidContentEncoding)', JSON_TYPE, '{}', { 'content-encoding': 'gzip' }],
    ['truncated gzip', JSON_TYPE, new Uint8Array(gzipSync('{}').subarray(0, 15)), { 'content-encoding': 'gzip' }],
  ])('%s (TestHandleInvalidRequests)', async (_, type, body, headers) => {
    const { post, batches, errors } = receiver();
    expect((await post('/v1/traces', body, { 'content-type': type, ...headers })).status).toBe(400);
    expect([batches, errors]).toEqual([[], []]);
  });
});

describe('MUST: JSON mapping (each rule in json.test.ts)', () => {
  test('unknown fields are ignored, enum names are refused with their record, by their path', async () => {
    const { post, batches } = receiver();
    expect((await post('/v1/traces', '{"new":1,"resourceSpans":[{"new":{}}]}')).status).toBe(200);
    await post('/v1/traces', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}');
    expect(batches[1]?.refused).toEqual([expect.stringContaining('resourceSpans[0].scopeSpans[0].spans[0].kind')]);
  });
});

describe('MUST: response size limited', () => {
  test('messages are cut to 2 KiB, between characters', async () => {
    const { post } = receiver({ accept: async () => ({ rejected: 1, message: 'é'.repeat(100_000) }) });
    const text = await (await post('/v1/logs', '{}')).text();
    expect(Buffer.byteLength(text)).toBeLessThan(2200);
    expect(text).not.toContain('\uFFFD');
    const huge = await post(
      '/v1/traces',
      `{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"${'x'.repeat(50_000)}"}]}]}]}`,
    );
    expect((await huge.text()).length).toBeLessThan(2200);
  });
});

describe('SHOULD', () => {
  test.each(SIGNALS)('an empty request succeeds: %s', async (signal) => {
    const { post } = receiver();
    expect((await post(`/v1/${signal}`, '', { 'content-type': PROTOBUF_TYPE })).status).toBe(200);
    expect((await post(`/v1/${signal}`, '{}')).status).toBe(200);
  });

  test('503 when overloaded, with Retry-After of 1 to 5 seconds and a message that says what to do', async () => {
    const full = new CollectorError('journal_full', 'The journal is full: try again', { retryAfterS: 60 });
    const response = await receiver({ accept: () => Promise.reject(full) }).post('/v1/logs', '{}');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toEqual({ code: 14, message: 'The journal is full: try again' });
  });

  test('503 while other bodies fill the budget, and not afterwards', async () => {
    const taken = Promise.withResolvers<{ rejected: number }>();
    const entered = Promise.withResolvers<void>();
    const { post } = receiver({
      maxInflightBytes: 40_000,
      accept: () => {
        entered.resolve();
        return taken.promise;
      },
    });
    const body = `{}${' '.repeat(30_000)}`;
    const first = post('/v1/logs', body);
    await entered.promise;
    const second = await post('/v1/logs', body);
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    taken.resolve({ rejected: 0 });
    expect((await first).status).toBe(200);
    expect((await post('/v1/logs', body)).status).toBe(200);
  });

  test('a bug is logged and answered with 500', async () => {
    const bug = new Error('bug');
    const { post, errors } = receiver({ accept: () => Promise.reject(bug) });
    expect((await post('/v1/logs', '{}')).status).toBe(500);
    expect(errors).toEqual([bug]);
  });
});

describe('on a real socket', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function listen(overrides: Overrides = {}) {
    const parts = receiver(overrides);
    const ready = Promise.withResolvers<void>();
    const server = serve({ fetch: parts.app.fetch, port: 0, hostname: '127.0.0.1' }, () => ready.resolve()) as Server;
    servers.push(server);
    await ready.promise;
    return { ...parts, server, port: (server.address() as AddressInfo).port };
  }

  test('the body is read from Node, plain and gzip', async () => {
    const { port, batches } = await listen();
    for (const headers of [{}, { 'content-encoding': 'gzip' }]) {
      const body = 'content-encoding' in headers ? gzipSync(ONE_RECORD) : ONE_RECORD;
      const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'content-type': PROTOBUF_TYPE, ...headers },
      });
      expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
    }
    expect(batches.map((batch) => batch.seen)).toEqual([1, 1]);
  });

  test('a body far over the limit is answered with 413, not with a reset connection', async () => {
    const { port, batches } = await listen({ maxBodyBytes: 64 * 1024 });
    const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
      method: 'POST',
      body: new Uint8Array(4 * 1024 ** 2),
      headers: { 'content-type': PROTOBUF_TYPE },
    });
    expect([response.status, (await statusOf(response)).code, batches]).toEqual([413, 8, []]);
  });

  test('nothing of a body whose sender left is accepted, whatever Content-Length says', async () => {
    const { port, batches, errors, server } = await listen();
    const closed = Promise.withResolvers<void>();
    server.once('connection', (socket: Socket) => socket.once('close', () => closed.resolve()));
    const client = connect(port, '127.0.0.1');
    client.write(
      `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: ${PROTOBUF_TYPE}\r\ncontent-length: 1000\r\n\r\n`,
    );
    client.write(ONE_RECORD, () => client.destroy());
    await closed.promise;
    const after = await fetch(`http://127.0.0.1:${port}/v1/logs`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': JSON_TYPE },
    });
    expect(after.status).toBe(200);
    expect([batches.map((batch) => batch.signal), errors]).toEqual([['logs'], []]);
  });
});
