import { SpanKind, logs, trace } from '@opentelemetry/api';
import { once } from 'node:events';
import { open, writeFile } from 'node:fs/promises';
import {
  connect,
  createServer,
  type ClientHttp2Stream,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tempDir } from '../../test/support/processes.ts';
import { startRecordingSdk, type RecordingSdk } from '../../test/support/recording-sdk.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { ClowderInstrumentation } from './clowder-instrumentation.ts';

const FILE = '5f1e00000000000000000001';
const DATASET = '5f1e00000000000000000002';
const BLOB = `/api/files/${FILE}/blob`;

const instrumentation = new ClowderInstrumentation({ clowder: 'v1' });
const closing: (() => void)[] = [];
let sdk: RecordingSdk;

beforeEach(() => {
  sdk = startRecordingSdk();
  instrumentation.setTracerProvider(trace.getTracerProvider());
  instrumentation.setLoggerProvider(logs.getLoggerProvider());
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await sdk[Symbol.asyncDispose]();
});
afterAll(() => instrumentation.disable());

type ByStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;
type ByRequest = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** A server and a client connected to it. */
async function serve(prepare: (server: Http2Server) => void) {
  const server = createServer();
  prepare(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  const client = connect(`http://127.0.0.1:${address.port}`);
  closing.push(() => {
    client.destroy();
    server.close();
  });
  return client;
}
const byRequest = (handle: ByRequest) => serve((server) => server.on('request', handle));
const byStream = (handle: ByStream) => serve((server) => server.on('stream', handle));

interface Answer {
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  readonly body: Buffer;
}

async function answerTo(stream: ClientHttp2Stream): Promise<Answer> {
  const [headers] = (await once(stream, 'response')) as [Answer['headers']];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { headers, body: Buffer.concat(chunks) };
}

const MULTIPART =
  '--b\r\nContent-Disposition: form-data; name="File"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n';
const UPLOAD: OutgoingHttpHeaders = {
  ':method': 'POST',
  ':path': `/api/uploadToDataset/${DATASET}?key=CANARY`,
  'content-type': 'multipart/form-data; boundary=b',
};

const answersUpload: ByRequest = (request, response) => {
  request.resume().on('end', () => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ id: FILE }));
  });
};

const serverSpans = () => sdk.spans.filter(({ kind }) => kind === SpanKind.SERVER);
const spanOf = () => waitFor(() => serverSpans()[0], { what: 'the server span' });
const event = (name: string) => sdk.records.find(({ eventName }) => eventName === `clowder.${name}`);

describe('a server of HTTP/2', () => {
  test.each<[string, (server: Http2Server) => void]>([
    ['the compatibility API', (server) => server.on('request', answersUpload)],
    [
      'streams',
      (server) =>
        server.on('stream', (stream: ServerHttp2Stream) => {
          stream.resume().on('end', () => {
            stream.respond({ 'content-type': 'application/json' });
            stream.end(JSON.stringify({ id: FILE }));
          });
        }),
    ],
    [
      'streams, with headers as a list',
      (server) =>
        server.on('stream', (stream: ServerHttp2Stream) => {
          stream.resume().on('end', () => {
            stream.respond([':status', '200', 'content-type', 'application/json']);
            stream.end(JSON.stringify({ id: FILE }));
          });
        }),
    ],
  ])('that answers with %s produces the span and the event of an upload', async (_by, prepare) => {
    const client = await serve(prepare);
    const stream = client.request(UPLOAD);
    stream.end(MULTIPART);
    const { headers, body } = await answerTo(stream);
    expect(JSON.parse(body.toString())).toEqual({ id: FILE });
    const span = await spanOf();
    expect(headers['x-clowder-captured']).toBe(span.spanContext().spanId);
    expect(serverSpans()).toHaveLength(1);
    expect(span.name).toBe('POST /api/uploadToDataset/:id');
    expect(span.attributes).toMatchObject({
      'clowder.route': '/api/uploadToDataset/:id',
      'clowder.file.id': FILE,
      'clowder.captured': true,
      'clowder.request.id': span.spanContext().spanId,
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'http.request.body.size': MULTIPART.length,
      'http.response.body.size': body.length,
      'network.protocol.version': '2',
      'network.peer.address': '127.0.0.1',
      'server.address': '127.0.0.1',
      'url.path': `/api/uploadToDataset/${DATASET}`,
      'url.query': 'key=REDACTED',
      'url.scheme': 'http',
    });
    expect(Object.keys(span.attributes).filter((name) => name.startsWith(':'))).toEqual([]);
    const record = event('file.uploaded');
    expect(record?.attributes).toMatchObject({ 'clowder.file.id': FILE, 'clowder.bytes': 5 });
    expect(record?.spanContext?.spanId).toBe(span.spanContext().spanId);
    expect(sdk.problems).toEqual([]);
  });

  test('runs its handler in the context of the span, with the mark', async () => {
    let active: ReturnType<typeof trace.getActiveSpan>;
    const client = await byRequest((_request, response) => {
      active = trace.getActiveSpan();
      response.end();
    });
    await answerTo(client.request({ ':path': BLOB }));
    const span = await spanOf();
    expect(active?.spanContext().spanId).toBe(span.spanContext().spanId);
    expect(active?.spanContext().traceState?.serialize()).toBe(`clowder=${span.spanContext().spanId}`);
  });

  test('gives each of many requests on one connection its own span and event', async () => {
    const client = await byRequest(
      (request, response) => void response.end(Buffer.alloc(Number(request.headers['x-n']))),
    );
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => answerTo(client.request({ ':path': BLOB, 'x-n': index + 10 }))),
    );
    await waitFor(() => serverSpans().length === 50, { what: 'the spans' });
    const marks = answers.map(({ headers }) => headers['x-clowder-captured']);
    expect(new Set(marks).size).toBe(50);
    const sizes = sdk.records.map(({ attributes }) => Number(attributes['clowder.bytes']));
    expect(sizes.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index + 10));
  });

  test.each<[string, boolean, number | undefined, ByRequest]>([
    ['was sent in one end', true, 100, (_request, response) => void response.end(Buffer.alloc(100))],
    [
      'was sent in pieces, one of them text',
      true,
      100,
      (_request, response) => {
        response.write(Buffer.alloc(40));
        response.write('ff'.repeat(30), 'hex');
        response.end('x'.repeat(30));
      },
    ],
    [
      'is shorter than announced',
      false,
      100,
      (_request, response) => void response.writeHead(200, { 'content-length': 200 }).end(Buffer.alloc(100)),
    ],
    [
      'the program resets',
      false,
      100,
      ({ stream }, response) => void response.write(Buffer.alloc(100), () => stream.close(2)),
    ],
    [
      'the program destroys',
      false,
      100,
      ({ stream }, response) => void response.write(Buffer.alloc(100), () => stream.destroy()),
    ],
  ])('a download that %s has complete %s', async (_what, complete, bytes, handle) => {
    const client = await byRequest(handle);
    await answerTo(client.request({ ':path': BLOB })).catch(() => undefined);
    await spanOf();
    expect(event('view.download')?.attributes).toMatchObject({
      'clowder.download.complete': complete,
      'clowder.bytes': bytes,
    });
  });

  test('a download that the client resets midway is not complete', async () => {
    const client = await byRequest((_request, response) => {
      void pipeline(async function* endless() {
        for (;;) yield Buffer.alloc(65_536);
      }, response).catch(() => undefined);
    });
    const stream = client.request({ ':path': BLOB });
    await once(stream, 'data');
    stream.close(8);
    await spanOf();
    expect(event('view.download')?.attributes['clowder.download.complete']).toBe(false);
  });

  test('a download is not complete if the client leaves after the program ended it but before receiving it all', async () => {
    const client = await byRequest((_request, response) => void response.end(Buffer.alloc(10_000_000)));
    const stream = client.request({ ':path': BLOB });
    await once(stream, 'response');
    client.destroy();
    await spanOf();
    expect(event('view.download')?.attributes['clowder.download.complete']).toBe(false);
  });

  test('an upload that the client resets midway makes no event', async () => {
    const client = await byRequest((request, response) => {
      request.on('error', () => undefined).on('end', () => void response.end(JSON.stringify({ id: FILE })));
      request.resume();
    });
    const stream = client.request(UPLOAD).on('error', () => undefined);
    stream.write(MULTIPART.slice(0, 60), () => void stream.destroy());
    await spanOf();
    expect(sdk.records).toEqual([]);
  });

  test('HEAD and 304 have no body, whatever the program writes', async () => {
    const client = await byRequest((request, response) => {
      if (request.method !== 'HEAD') response.statusCode = 304;
      response.end('not sent');
    });
    await answerTo(client.request({ ':path': BLOB, ':method': 'HEAD' }));
    await answerTo(client.request({ ':path': BLOB }));
    await waitFor(() => serverSpans().length === 2, { what: 'two spans' });
    expect(sdk.spans.map(({ attributes }) => attributes['http.response.body.size'])).toEqual([0, 0]);
  });

  test('a file that Node sends by itself is counted, by path or descriptor, also if an error is answered instead', async () => {
    const temp = await tempDir('http2-file');
    const path = join(temp.path, 'file');
    await writeFile(path, 'x'.repeat(5000));
    const file = await open(path);
    try {
      const ways: Record<string, ByStream> = {
        path: (stream) => stream.respondWithFile(path, { 'content-type': 'text/plain' }),
        open: (stream) => stream.respondWithFD(file.fd, { 'content-length': 5000 }),
        unknown: (stream) => stream.respondWithFD(file.fd),
        missing: (stream) =>
          stream.respondWithFile(
            `${path}-missing`,
            {},
            { onError: () => stream.respond({ ':status': 404 }, { endStream: true }) },
          ),
      };
      const client = await byStream((stream, headers) => ways[String(headers['x-way'])]?.(stream, headers));
      const seen: Record<string, unknown[]> = {};
      for (const [index, way] of Object.keys(ways).entries()) {
        const { headers } = await answerTo(client.request({ ':path': BLOB, 'x-way': way }));
        const span = await waitFor(() => serverSpans()[index], { what: `the span of ${way}` });
        const { attributes = {} } =
          sdk.records.find(({ spanContext }) => spanContext?.spanId === span.spanContext().spanId) ?? {};
        seen[way] = [headers[':status'], attributes['clowder.bytes'], attributes['clowder.download.complete']];
        if (way !== 'missing') expect(headers['x-clowder-captured']).toBe(span.spanContext().spanId);
      }
      expect(seen).toEqual({
        path: [200, 5000, true],
        open: [200, 5000, true],
        unknown: [200, undefined, true],
        missing: [404, undefined, undefined],
      });
      expect(sdk.problems).toEqual([]);
    } finally {
      await file.close();
      await temp.remove();
    }
  });

  test('leaves tunnels and gRPC calls alone', async () => {
    const client = await byStream((stream) => stream.respond({ ':status': 200 }, { endStream: true }));
    await answerTo(client.request({ ':method': 'CONNECT', ':authority': 'h:1' }));
    await answerTo(client.request({ ':method': 'POST', ':path': '/a.B/C', 'content-type': 'application/grpc+proto' }));
    await answerTo(client.request({ ':path': '/api/status' }));
    expect((await spanOf()).name).toBe('GET /api/status');
    expect(serverSpans()).toHaveLength(1);
  });

  test('sends the same answers as without it, except for the mark', async () => {
    const client = await byRequest((_request, response) => {
      response.sendDate = false;
      response.setHeader('X-A', ['1', '2']);
      response.writeHead(206, { ETag: '"x"', 'Set-Cookie': ['a=1', 'b=2'] }).end('ok');
    });
    const ask = async () => {
      const { headers, body } = await answerTo(client.request({ ':path': BLOB }));
      const { 'x-clowder-captured': mark, ...rest } = headers;
      return { mark, told: { headers: { ...rest }, body: body.toString() } };
    };
    const observed = await ask();
    instrumentation.disable();
    const alone = await ask();
    instrumentation.enable();
    expect(observed.told).toEqual(alone.told);
    expect(alone.mark).toBeUndefined();
    expect(observed.mark).toMatch(/^[0-9a-f]{16}$/);
  });
});
