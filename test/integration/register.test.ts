import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedEventId } from '../../taxonomy/event-id.ts';
import { createAuthority } from '../support/certificates.ts';
import { attributesOf, startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { tempDir } from '../support/processes.ts';
import { connectRaw, exchangeRaw } from '../support/raw-http.ts';
import {
  DATASET,
  FILE,
  seen,
  startRegistered,
  traceparent,
  upload,
  type RegisteredServer,
  type RegisteredServerOptions,
} from '../support/registered-server.ts';
import { toolPath } from '../support/tools.ts';
import { waitFor } from '../support/wait-for.ts';

const DOWNLOAD_BYTES = 3 * 65_536;

/** Each kind of server, as an ES module and, if it is still written so, in CommonJS. */
const SERVERS: readonly [string, string, NonNullable<RegisteredServerOptions['by']>][] = [
  ['plain http', 'plain.mjs', '--import'],
  ['plain http', 'plain.cjs', '--require'],
  ['Express 4', 'express4.mjs', '--import'],
  ['Express 4', 'express4.cjs', '--require'],
  ['Express 5', 'express5.mjs', '--import'],
  ['Express 5', 'express5.cjs', '--require'],
  ['http-proxy', 'http-proxy.mjs', '--import'],
  ['http-proxy', 'http-proxy.cjs', '--require'],
  ['http-proxy-middleware', 'http-proxy-middleware.mjs', '--import'],
  ['a proxy by node:http', 'request-proxy.mjs', '--import'],
  ['a proxy by fetch', 'fetch-proxy.mjs', '--import'],
  ['Hono', 'hono.mjs', '--import'],
  ['Fastify', 'fastify.mjs', '--import'],
];
const PROXIES = [
  'http-proxy.mjs',
  'http-proxy.cjs',
  'http-proxy-middleware.mjs',
  'request-proxy.mjs',
  'fetch-proxy.mjs',
];

let sink: OtlpSink;
let backend: Server;
let target: string;
/** Trace headers of the requests that the proxies forwarded. */
const forwarded: { traceparent: string; tracestate: string }[] = [];

beforeAll(async () => {
  sink = await startOtlpSink();
  backend = createServer((request, response) => {
    const { traceparent: parent, tracestate } = request.headers;
    forwarded.push({ traceparent: String(parent), tracestate: String(tracestate) });
    request.resume().on('end', () => {
      const isUpload = request.method === 'POST';
      response.setHeader('Content-Type', isUpload ? 'application/json' : 'application/octet-stream');
      if (isUpload) response.end(JSON.stringify({ id: FILE }));
      else
        void pipeline(blocks(request.url?.includes('endless') === true ? Infinity : 3), response).catch(
          () => undefined,
        );
    });
  }).listen(0, '127.0.0.1');
  await once(backend, 'listening');
  const address = backend.address();
  target = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(async () => {
  backend.closeAllConnections();
  backend.close();
  await sink[Symbol.asyncDispose]();
});

async function* blocks(count: number): AsyncGenerator<Buffer> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(65_536, 'clowder ');
}

describe.each(SERVERS)('%s (%s, %s)', (_kind, file, by) => {
  let server: RegisteredServer;
  beforeAll(async () => {
    server = await startRegistered(file, { by, sink: sink.url, target });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('sends the span and the event of an upload', async () => {
    const { traceId, header } = traceparent();
    const answer = await upload(server, header);
    expect(await answer.json()).toEqual({ id: FILE });
    const { span, ...rest } = await seen(sink, traceId);
    const { 'http.request.body.size': size, 'clowder.request.id': requestId = '', ...fixed } = span;
    expect(answer.headers.get('x-clowder-captured')).toBe(requestId);
    expect(sink.trace(traceId).spans.map(({ spanId }) => spanId)).toContain(requestId);
    expect(Number(size)).toBeGreaterThan(150);
    expect(fixed).toEqual({
      'client.address': '127.0.0.1',
      'clowder.captured': 'true',
      'clowder.auth.method': 'api_key',
      'clowder.client.kind': 'api',
      'clowder.dataset.id': DATASET,
      'clowder.file.id': FILE,
      'clowder.route': '/api/uploadToDataset/:id',
      'http.request.method': 'POST',
      'http.response.body.size': '33',
      'http.response.status_code': '200',
      'http.route': '/api/uploadToDataset/:id',
      'network.peer.address': '127.0.0.1',
      'network.protocol.version': '1.1',
      'server.address': '127.0.0.1',
      'url.path': `/api/uploadToDataset/${DATASET}`,
      'url.query': 'key=REDACTED',
      'url.scheme': 'http',
      'user_agent.original': 'curl/8.5',
    });
    expect(rest).toEqual({
      name: 'POST /api/uploadToDataset/:id',
      parent: header.split('-')[2],
      events: [
        {
          name: 'clowder.file.uploaded',
          attributes: {
            'client.address': '127.0.0.1',
            'clowder.bytes': '12',
            'clowder.captured': 'true',
            'clowder.auth.method': 'api_key',
            'clowder.client.kind': 'api',
            'clowder.content_type': 'text/plain',
            'clowder.dataset.id': DATASET,
            'clowder.event.id': derivedEventId(requestId, 'file.uploaded', FILE),
            'clowder.request.id': requestId,
            'clowder.file.id': FILE,
            'clowder.file.name': 'hello.txt',
            'clowder.source': 'sdk',
            'user_agent.original': 'curl/8.5',
          },
        },
      ],
    });
  });

  test('sends the span and the event of a download, sampled or not', async () => {
    const { traceId, header } = traceparent();
    const answer = await fetch(`${server.url}/api/files/${FILE}/blob`, { headers: { traceparent: header } });
    expect((await answer.arrayBuffer()).byteLength).toBe(DOWNLOAD_BYTES);
    const { name, span, events } = await seen(sink, traceId);
    expect(name).toBe('GET /api/files/:id/blob');
    expect(span).toMatchObject({ 'clowder.file.id': FILE, 'http.response.body.size': String(DOWNLOAD_BYTES) });
    const download = {
      'clowder.bytes': String(DOWNLOAD_BYTES),
      'clowder.download.complete': 'true',
      'clowder.download.tracked': 'true',
      'clowder.resource.id': FILE,
      'clowder.resource.type': 'file',
      'url.full': `http://127.0.0.1/api/files/${FILE}/blob`,
    };
    expect(events).toEqual([
      { name: 'clowder.view.download', attributes: expect.objectContaining(download) as unknown },
    ]);

    const unsampled = traceparent(false);
    const again = await fetch(`${server.url}/api/files/${FILE}/blob`, { headers: { traceparent: unsampled.header } });
    await again.arrayBuffer();
    const [log] = await waitFor(
      () => sink.trace(unsampled.traceId).logs.length > 0 && sink.trace(unsampled.traceId).logs,
      {
        what: 'the event of a request that is not sampled',
      },
    );
    expect(attributesOf(log?.attributes ?? [])).toMatchObject({ 'clowder.bytes': String(DOWNLOAD_BYTES) });
    expect(sink.trace(unsampled.traceId).spans).toEqual([]);
  });
});

test.each(PROXIES)('%s forwards with its own span as parent, marked as captured', async (file) => {
  await using server = await startRegistered(file, { sink: sink.url, target });
  const { traceId, header } = traceparent();
  await (await upload(server, header)).arrayBuffer();
  const sent = forwarded.find((one) => one.traceparent.includes(traceId));
  expect(sent?.traceparent).not.toBe(header);
  expect(sent?.tracestate).toBe(`clowder=${(await seen(sink, traceId)).span['clowder.request.id']}`);
});

describe('a server of HTTP/2', () => {
  const run = promisify(execFile);
  let server: RegisteredServer;
  let files: Awaited<ReturnType<typeof tempDir>>;
  beforeAll(async () => {
    files = await tempDir('http2');
    const { cert, key } = await (await createAuthority(files.path, 'ca')).issue('server');
    server = await startRegistered('http2.mjs', { sink: sink.url, env: { CERT: cert, KEY: key } });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await files.remove();
  });

  test.each([
    ['in the clear', '--http2-prior-knowledge', 'http', '2'],
    ['over TLS', '--http2', 'https', '2'],
    ['over TLS, from a client that speaks only HTTP/1.1', '--http1.1', 'https', '1.1'],
  ])('is observed %s', async (_how, protocol, scheme, version) => {
    const secure = /by TLS on (\d+)/.exec(server.output())?.[1] ?? '';
    const base = `${scheme}://127.0.0.1:${scheme === 'https' ? secure : server.port}`;
    const curl = async (path: string, ...more: string[]) => {
      const { traceId, header } = traceparent();
      const args = ['-sSk', '-i', protocol, '-H', `traceparent: ${header}`, ...more, base + path];
      const { stdout } = await run(toolPath('curl'), args);
      return { answer: stdout, ...(await seen(sink, traceId)) };
    };
    const form = ['-F', 'File=hello, world;filename=hello.txt;type=text/plain'];
    const up = await curl(`/api/uploadToDataset/${DATASET}?key=CANARY`, ...form);
    expect(up.answer.toLowerCase()).toContain(`x-clowder-captured: ${up.span['clowder.request.id']}`);
    expect(up.answer).toContain(JSON.stringify({ id: FILE }));
    expect(up.span).toMatchObject({
      'clowder.file.id': FILE,
      'clowder.route': '/api/uploadToDataset/:id',
      'http.response.status_code': '200',
      'network.protocol.version': version,
      'server.address': '127.0.0.1',
      'url.query': 'key=REDACTED',
      'url.scheme': scheme,
    });
    expect(up.events[0]?.attributes).toMatchObject({ 'clowder.file.name': 'hello.txt', 'clowder.bytes': '12' });
    const down = await curl(`/api/files/${FILE}/blob`);
    expect(down.events).toMatchObject([
      {
        name: 'clowder.view.download',
        attributes: {
          'clowder.bytes': String(DOWNLOAD_BYTES),
          'clowder.download.complete': 'true',
          'url.full': `${scheme}://127.0.0.1/api/files/${FILE}/blob`,
        },
      },
    ]);
  });
});

describe('a request that the program makes', () => {
  test('arrives as without the preload, in every form of the API, with its trace context', async () => {
    const ask = async (by: 'none' | '--import') => {
      await using server = await startRegistered('request-forms.mjs', { by, sink: sink.url });
      return (await (await fetch(server.url)).json()) as Record<string, Arrived | string>;
    };
    const plain = await ask('none');
    const traced = await ask('--import');
    expect(Object.keys(plain).length).toBeGreaterThan(40);
    for (const [form, arrived] of Object.entries(traced)) {
      const { contexts, ...rest } = withoutContext(arrived);
      const { contexts: _none, ...before } = withoutContext(plain[form]);
      expect({ form, ...rest }).toEqual({ form, ...before });
      if (typeof arrived !== 'string') expect({ form, contexts }).toEqual({ form, contexts: [TRACEPARENT] });
    }
    expect(Object.keys(traced)).toEqual(Object.keys(plain));
  });

  interface Arrived {
    readonly rawHeaders?: readonly string[];
  }
  const TRACEPARENT = expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/) as unknown;

  /** A request as it arrived, without the two programs' ports and the trace context. */
  function withoutContext(arrived: Arrived | string | undefined) {
    if (arrived === undefined || typeof arrived === 'string') return { arrived, contexts: [] };
    const { rawHeaders: raw = [], ...rest } = arrived;
    const pairs = raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : []));
    const isContext = (name: string): boolean => /^trace(?:parent|state)$/i.test(name);
    return {
      ...rest,
      headers: pairs
        .filter(([name]) => !isContext(name))
        .map(([name, value]) => `${name}: ${value.replace(/(?<=127\.0\.0\.1):\d+/, '')}`),
      contexts: pairs.flatMap(([name, value]) => (name.toLowerCase() === 'traceparent' ? [value] : [])),
    };
  }
});

describe('a download', () => {
  test.each(['plain.mjs', 'http-proxy.mjs', 'fetch-proxy.mjs'])(
    'that the client aborts is not complete (%s)',
    async (file) => {
      await using server = await startRegistered(file, { sink: sink.url, target });
      const { traceId, header } = traceparent();
      const client = await connectRaw(server.port);
      client.send(`GET /api/files/${FILE}/blob?endless HTTP/1.1\r\nHost: h\r\ntraceparent: ${header}\r\n\r\n`);
      await client.until((text) => text.length > 1_000_000);
      client.socket.destroy();
      const { events } = await seen(sink, traceId);
      expect(events[0]?.attributes['clowder.download.complete']).toBe('false');
      expect(Number(events[0]?.attributes['clowder.bytes'])).toBeGreaterThan(900_000);
    },
  );

  test('of a range or a gzipped file counts the bytes that were sent', async () => {
    await using server = await startRegistered('plain.mjs', { sink: sink.url });
    const url = `${server.url}/api/files/${FILE}/blob`;
    const range = traceparent();
    const part = await fetch(url, { headers: { traceparent: range.header, range: 'bytes=0-99' } });
    expect((await part.arrayBuffer()).byteLength).toBe(100);
    const [ranged] = (await seen(sink, range.traceId)).events;
    expect(ranged?.attributes).toMatchObject({ 'clowder.bytes': '100', 'clowder.download.range': 'bytes 0-99/1000' });

    const gzip = traceparent();
    const packed = await exchangeRaw(
      server.port,
      `GET /api/files/${FILE}/blob HTTP/1.0\r\nHost: h\r\nAccept-Encoding: gzip\r\ntraceparent: ${gzip.header}\r\n\r\n`,
    );
    const sent = packed.text.slice(packed.text.indexOf('\r\n\r\n') + 4).length;
    expect(sent).toBeLessThan(10_000);
    const [whole] = (await seen(sink, gzip.traceId)).events;
    expect(whole?.attributes).toMatchObject({ 'clowder.bytes': String(sent), 'clowder.download.complete': 'true' });
  });
});

describe('a registered program without TRUSTED_PROXIES', () => {
  /** The server span that links to a trace. */
  const linked = (traceId: string) =>
    sink.spans('POST /api/uploadToDataset/:id').find(({ links }) => links.some((link) => link.traceId === traceId));

  test.each(['plain.mjs', 'express5.mjs', 'fetch-proxy.mjs'])(
    "begins a trace for a request from outside, and links to the client's: %s",
    async (file) => {
      await using server = await startRegistered(file, { sink: sink.url, target, env: { TRUSTED_PROXIES: '' } });
      const { traceId, header } = traceparent();
      await (await upload(server, header)).arrayBuffer();
      const span = await waitFor(() => linked(traceId), { what: 'a span that links to the trace of the client' });
      expect(span.links).toMatchObject([{ traceId, spanId: header.split('-')[2] }]);
      expect([span.parentSpanId ?? '', sink.trace(traceId)]).toEqual(['', { spans: [], logs: [] }]);
      const { logs } = await waitFor(() => sink.trace(span.traceId).logs.length > 0 && sink.trace(span.traceId), {
        what: 'the event, in the trace of the server',
      });
      expect(logs.map(({ eventName }) => eventName)).toEqual(['clowder.file.uploaded']);
    },
  );

  test("continues the caller's trace once TRUSTED_PROXIES names the caller", async () => {
    await using server = await startRegistered('plain.mjs', { sink: sink.url, env: { TRUSTED_PROXIES: '127.0.0.1' } });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    expect((await seen(sink, traceId)).parent).toBe(header.split('-')[2]);
    expect(linked(traceId)).toBeUndefined();
  });
});
