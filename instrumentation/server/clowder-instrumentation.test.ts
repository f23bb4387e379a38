import { SpanKind, logs, trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createHttpsServer, request as requestHttps, type Server as HttpsServer } from 'node:https';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAuthority } from '../../test/support/certificates.ts';
import { tempDir } from '../../test/support/processes.ts';
import { startRecordingSdk, type RecordingSdk } from '../../test/support/recording-sdk.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { ClowderInstrumentation } from './clowder-instrumentation.ts';

const FILE = '5f1e00000000000000000001';
const DATASET = '5f1e00000000000000000002';

const instrumentation = new ClowderInstrumentation({ clowder: 'v1' });
const servers: (Server | HttpsServer)[] = [];
let sdk: RecordingSdk;

beforeEach(() => {
  sdk = startRecordingSdk();
  useSdk(instrumentation);
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await sdk[Symbol.asyncDispose]();
});
afterAll(() => instrumentation.disable());

function useSdk(one: ClowderInstrumentation | HttpInstrumentation): void {
  one.setTracerProvider(trace.getTracerProvider());
  one.setLoggerProvider(logs.getLoggerProvider());
}

async function serve(handle: RequestListener, prepare: (server: Server) => void = () => undefined): Promise<number> {
  const server = createServer(handle);
  servers.push(server);
  prepare(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return address.port;
}

/** Sends a request unchanged. @returns the answer unchanged */
async function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  let answer = '';
  for await (const chunk of socket.setEncoding('latin1')) answer += String(chunk);
  return answer;
}

const get = (path: string, headers = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\n${headers}Connection: close\r\n\r\n`;
const post = (path: string, body: string, headers = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n${headers}Connection: close\r\n\r\n${body}`;

const spanOf = (): Promise<RecordingSdk['spans'][number]> =>
  waitFor(() => sdk.spans.find((span) => span.kind === SpanKind.SERVER), { what: 'the server span' });
const event = (name: string): RecordingSdk['records'][number] | undefined =>
  sdk.records.find((record) => record.eventName === `clowder.${name}`);

const MULTIPART =
  '--b\r\nContent-Disposition: form-data; name="File"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n';
const upload = post(`/api/uploadToDataset/${DATASET}`, MULTIPART, 'Content-Type: multipart/form-data; boundary=b\r\n');

const uploads: RequestListener = (request, response) => {
  request.resume().on('end', () => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ id: FILE }));
  });
};

describe.each(['alone', 'beside the http instrumentation'])('%s', (beside) => {
  const http = beside === 'alone' ? undefined : new HttpInstrumentation();
  beforeEach(() => {
    if (http === undefined) return;
    useSdk(http);
    http.enable();
    createRequire(import.meta.url)('node:http');
  });
  afterEach(() => http?.disable());

  test('an upload is one server span and one event, with what only the bodies know', async () => {
    const answer = await exchange(await serve(uploads), upload);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    const span = await spanOf();
    expect(answer).toContain(`X-Clowder-Captured: ${span.spanContext().spanId}\r\n`);
    expect(sdk.spans.filter(({ kind }) => kind === SpanKind.SERVER)).toHaveLength(1);
    expect(span.name).toBe('POST /api/uploadToDataset/:id');
    expect(span.attributes).toMatchObject({
      'clowder.route': '/api/uploadToDataset/:id',
      'http.route': '/api/uploadToDataset/:id',
      'clowder.file.id': FILE,
      'clowder.captured': true,
      'clowder.request.id': span.spanContext().spanId,
      'http.response.status_code': 200,
      'http.request.body.size': MULTIPART.length,
    });
    const record = event('file.uploaded');
    expect(record?.attributes).toMatchObject({
      'clowder.file.id': FILE,
      'clowder.bytes': 5,
      'clowder.source': 'sdk',
    });
    expect(record?.spanContext?.spanId).toBe(span.spanContext().spanId);
    expect(sdk.problems).toEqual([]);
  });

  test('the handler runs in the context of the span, and requests that it makes are marked', async () => {
    let active: ReturnType<typeof trace.getActiveSpan>;
    const port = await serve((_request, response) => {
      active = trace.getActiveSpan();
      response.end();
    });
    await exchange(port, get(`/api/files/${FILE}/blob`));
    const span = await spanOf();
    expect(active?.spanContext().spanId).toBe(span.spanContext().spanId);
    expect(active?.spanContext().traceState?.serialize()).toBe(`clowder=${span.spanContext().spanId}`);
  });

  test.each<[string, boolean, RequestListener]>([
    ['all of it was sent', true, (_request, response) => void response.end(Buffer.alloc(100))],
    [
      'the program writes after the end',
      true,
      (_request, response) => {
        response.on('error', () => undefined).end(Buffer.alloc(100));
        response.write('too late');
      },
    ],
    [
      'less was sent than announced',
      false,
      (_request, response) => void response.writeHead(200, { 'content-length': 200 }).end(Buffer.alloc(100)),
    ],
    [
      'the connection broke',
      false,
      (_request, response) => void response.write(Buffer.alloc(100), () => response.destroy()),
    ],
  ])('a download where %s has complete %s', async (_what, complete, handle) => {
    await exchange(await serve(handle), get(`/api/files/${FILE}/blob`)).catch(() => '');
    await spanOf();
    expect(event('view.download')?.attributes).toMatchObject({
      'clowder.bytes': 100,
      'clowder.download.complete': complete,
    });
  });

  test('a download that the client aborts is not complete', async () => {
    const port = await serve((_request, response) => {
      void pipeline(async function* endless() {
        for (;;) yield Buffer.alloc(65_536);
      }, response).catch(() => undefined);
    });
    const socket = connect(port, '127.0.0.1');
    socket.write(get(`/api/files/${FILE}/blob`));
    await once(socket, 'data');
    socket.destroy();
    await spanOf();
    expect(event('view.download')?.attributes['clowder.download.complete']).toBe(false);
  });

  test('a request that is emitted again counts once', async () => {
    let again: Server | undefined;
    const port = await serve(
      (request, response) => {
        if (request.listenerCount('again') === 0) {
          request.once('again', () => undefined);
          again?.emit('request', request, response);
        } else uploads(request, response);
      },
      (server) => (again = server),
    );
    await exchange(port, upload);
    await spanOf();
    expect(sdk.records.filter((record) => record.eventName === 'clowder.file.uploaded')).toHaveLength(1);
  });

  test('a request that waits for 100 Continue counts once, whether the program answers it itself or not', async () => {
    const expects = upload.replace('Connection', 'Expect: 100-continue\r\nConnection');
    const plain = await exchange(await serve(uploads), expects);
    expect(plain).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
    await spanOf();
    const own = await serve(
      () => undefined,
      (server) =>
        server.on('checkContinue', (request, response) => {
          response.writeContinue();
          uploads(request, response);
        }),
    );
    await exchange(own, expects);
    await waitFor(() => sdk.records.length === 2, { what: 'the second event' });
    expect(sdk.records.map((record) => record.eventName)).toEqual(['clowder.file.uploaded', 'clowder.file.uploaded']);
  });

  test('HEAD and 304 have no body, whatever the program writes', async () => {
    const port = await serve((request, response) => {
      if (request.method !== 'HEAD') response.statusCode = 304;
      response.end('not sent');
    });
    await exchange(port, get(`/api/files/${FILE}/blob`));
    await exchange(port, get(`/api/files/${FILE}/blob`).replace('GET', 'HEAD'));
    await waitFor(() => sdk.spans.filter(({ kind }) => kind === SpanKind.SERVER).length === 2, { what: 'two spans' });
    expect(sdk.spans.map(({ attributes }) => attributes['http.response.body.size'])).toEqual([0, 0]);
  });

  test('a request body that the program does not read stays unread', async () => {
    let flowing: boolean | null = true;
    const port = await serve((request, response) => {
      flowing = request.readableFlowing;
      response.end();
    });
    await exchange(port, upload);
    await spanOf();
    expect(flowing).toBeNull();
  });

  test.each<[string, (headers: IncomingHttpHeaders) => Record<string, string>]>([
    ['of its own', () => ({})],
    [
      'that it forwards',
      ({ traceparent, tracestate }) => ({ traceparent: String(traceparent), tracestate: String(tracestate) }),
    ],
    [
      'that it forwards with their original spelling',
      ({ traceparent }) => ({ TraceParent: String(traceparent), TraceState: 'other=1' }),
    ],
  ])('fetch in a handler, with headers %s, sends the trace context and the mark', async (_whose, headersOf) => {
    let received: readonly (string | undefined)[] = [];
    const backend = await serve((request, response) => {
      received = [request.headers['traceparent'], request.headers['tracestate']].map(String);
      response.end();
    });
    const port = await serve(({ headers }, response) => {
      void fetch(`http://127.0.0.1:${backend}/other`, { headers: headersOf(headers) }).then(() => response.end());
    });
    const strangers = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: other=1\r\n';
    await exchange(port, get(`/api/files/${FILE}/blob`).replace('\r\n\r\n', `\r\n${strangers}\r\n`));
    const span = await waitFor(() => sdk.spans.find(({ name }) => name === 'GET /api/files/:id/blob'), {
      what: 'the span',
    });
    expect(received[0]).toContain(span.spanContext().traceId);
    expect(received[1]?.split(',')[0]).toBe(`clowder=${span.spanContext().spanId}`);
    expect(received[0]?.match(/\b00-[0-9a-f]{32}-/g)).toHaveLength(1);
  });
});

test('an https server is observed as well', async () => {
  const temp = await tempDir('https');
  try {
    const authority = await createAuthority(temp.path, 'ca');
    const { cert, key } = await authority.issue('server');
    const server = createHttpsServer({ cert: await readFile(cert), key: await readFile(key) }, uploads);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
    const request = requestHttps({
      port: address.port,
      host: '127.0.0.1',
      ca: await readFile(authority.ca),
      method: 'POST',
      path: `/api/uploadToDataset/${DATASET}`,
      headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
    });
    request.end(MULTIPART);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    const span = await spanOf();
    expect(response.headers['x-clowder-captured']).toBe(span.spanContext().spanId);
    expect(span.attributes['url.scheme']).toBe('https');
    expect(event('file.uploaded')?.attributes['clowder.file.id']).toBe(FILE);
  } finally {
    await temp.remove();
  }
});

test('a disabled instrumentation leaves requests alone', async () => {
  instrumentation.disable();
  const answer = await exchange(await serve(uploads), upload);
  instrumentation.enable();
  expect(answer).not.toContain('X-Clowder-Captured');
  expect(sdk.spans).toEqual([]);
});

test('answers are the same as without it, byte for byte', async () => {
  const port = await serve((request, response) => {
    response.sendDate = false;
    const write: Record<string, () => void> = {
      '/a': () =>
        response
          .writeHead(200, 'Fine', [
            ['X-A', '1'],
            ['X-A', '2'],
          ])
          .end('text'),
      '/b': () => response.writeHead(200, ['x-b', '1', 'X-B', '2']).end(),
      '/c': () => {
        response.setHeader('X-C', ['1', '2']);
        response.write('ÿ', 'latin1');
        response.write(Buffer.from('x'));
        response.end('6f6b', 'hex');
      },
      '/d': () => response.writeHead(206, 'Part', { 'Content-Length': '2', ETag: '"x"' }).end('ok'),
    };
    write[request.url ?? '']?.();
  });
  for (const path of ['/a', '/b', '/c', '/d']) {
    instrumentation.enable();
    const seen = await exchange(port, get(path));
    instrumentation.disable();
    const unseen = await exchange(port, get(path));
    expect(seen).toBe(unseen);
    expect(seen.length).toBeGreaterThan(50);
  }
  instrumentation.enable();
});

test('events that wait for Clowder are sent on flush, or when the last server is gone', async () => {
  const clowder = await serve(() => undefined);
  const enrich = { what: ['names'], url: `http://127.0.0.1:${clowder}`, timeoutS: 10 } as const;
  const port = await serve(uploads);
  const ends = [() => instrumentation.flush(), () => instrumentation.disable()];
  for (const [index, end] of ends.entries()) {
    instrumentation.setConfig({ clowder: 'v1', enrich });
    await exchange(port, upload);
    await waitFor(() => sdk.spans.filter(({ kind }) => kind === SpanKind.SERVER).length > index, { what: 'the span' });
    expect(sdk.records).toHaveLength(index);
    end();
    expect(sdk.records[index]).toMatchObject({ eventName: 'clowder.file.uploaded' });
  }
  instrumentation.setConfig({ clowder: 'v1' });
  instrumentation.enable();
});
