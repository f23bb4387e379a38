import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedEventId } from '../../taxonomy/event-id.ts';
import { attributesOf, startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { connectRaw, exchangeRaw, startRawServer } from '../support/raw-http.ts';
import { startRegistered, type RegisteredServer, type RegisteredServerOptions } from '../support/registered-server.ts';
import { waitFor } from '../support/wait-for.ts';

const SERVER_KIND = 2;
const FILE = '5f1e00000000000000000001';
const DATASET = '5f1e00000000000000000002';
const DOWNLOAD_BYTES = 3 * 65_536;

/** Each kind of server, as an ES module and, where people still write them so, in CommonJS. */
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
  ['a proxy by fetch', 'fetch-proxy.mjs', '--import'],
  ['Hono', 'hono.mjs', '--import'],
  ['Fastify', 'fastify.mjs', '--import'],
];
const PROXIES = new Set(['http-proxy', 'http-proxy-middleware', 'a proxy by fetch']);

/** A new trace of a caller, not sampled or sampled. */
const traceparent = (sampled = true): { traceId: string; header: string } => {
  const traceId = randomBytes(16).toString('hex');
  return { traceId, header: `00-${traceId}-${randomBytes(8).toString('hex')}-${sampled ? '01' : '00'}` };
};

let sink: OtlpSink;
let backend: Server;
let target: string;
/** What the proxies forwarded. */
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

interface Seen {
  readonly name: string;
  readonly parent: string;
  readonly span: Record<string, string>;
  readonly events: readonly { readonly name: string; readonly attributes: Record<string, string> }[];
}

/** The server span of a trace, and the events in its context; ports are left out, as they differ. */
async function seen(traceId: string, events = 1): Promise<Seen> {
  const { span, logs } = await waitFor(
    () => {
      const trace = sink.trace(traceId);
      const servers = trace.spans.filter(({ kind }) => kind === SERVER_KIND);
      if (servers.length > 1) throw new Error('more than one server span');
      return servers[0] !== undefined && trace.logs.length >= events && { span: servers[0], logs: trace.logs };
    },
    { what: `the span and ${events} events of ${traceId}` },
  );
  for (const log of logs) expect(log.spanId).toBe(span.spanId);
  return {
    name: span.name,
    parent: span.parentSpanId ?? '',
    span: withoutPorts(attributesOf(span.attributes)),
    events: logs.map((log) => ({
      name: log.eventName ?? '',
      attributes: withoutPorts(attributesOf(log.attributes)),
    })),
  };
}

const withoutPorts = (attributes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => !name.endsWith('.port'))
      .map(([name, value]) => [name, value.replace(/(?<=127\.0\.0\.1):\d+/, '')]),
  );

function uploadBody(): FormData {
  const form = new FormData();
  form.append('File', new Blob(['hello, world'], { type: 'text/plain' }), 'hello.txt');
  return form;
}

async function upload({ url }: RegisteredServer, header: string): Promise<Response> {
  return fetch(`${url}/api/uploadToDataset/${DATASET}?key=CANARY`, {
    method: 'POST',
    body: uploadBody(),
    headers: { traceparent: header, 'user-agent': 'curl/8.5' },
  });
}

describe.each(SERVERS)('%s (%s, %s)', (kind, file, by) => {
  let server: RegisteredServer;
  beforeAll(async () => {
    server = await startRegistered(file, { by, sink: sink.url, target });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('gives the span and the event of an upload', async () => {
    const { traceId, header } = traceparent();
    const answer = await upload(server, header);
    expect(answer.headers.get('x-clowder-captured')).toBe('1');
    expect(await answer.json()).toEqual({ id: FILE });
    const { span, ...rest } = await seen(traceId);
    const { 'http.request.body.size': size, ...fixed } = span;
    expect(Number(size)).toBeGreaterThan(150);
    expect(fixed).toEqual({
      'client.address': '127.0.0.1',
      'clowder.captured': 'true',
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
            'clowder.client.kind': 'api',
            'clowder.content_type': 'text/plain',
            'clowder.dataset.id': DATASET,
            'clowder.event.id': derivedEventId(traceId, 'file.uploaded', FILE),
            'clowder.file.id': FILE,
            'clowder.file.name': 'hello.txt',
            'clowder.source': 'proxy',
            'user_agent.original': 'curl/8.5',
          },
        },
      ],
    });
  });

  test('gives the span and the event of a download, sampled or not', async () => {
    const { traceId, header } = traceparent();
    const answer = await fetch(`${server.url}/api/files/${FILE}/blob`, { headers: { traceparent: header } });
    expect((await answer.arrayBuffer()).byteLength).toBe(DOWNLOAD_BYTES);
    const { name, span, events } = await seen(traceId);
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

  test.runIf(PROXIES.has(kind))('forwards with its own span as parent, marked as captured', async () => {
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    const sent = forwarded.find((one) => one.traceparent.includes(traceId));
    expect(sent?.traceparent).not.toBe(header);
    expect(sent?.tracestate).toBe('clowder=captured');
  });
});

describe('a download', () => {
  test.each(['plain.mjs', 'http-proxy.mjs', 'fetch-proxy.mjs'])(
    'that the client leaves is not complete (%s)',
    async (file) => {
      await using server = await startRegistered(file, { sink: sink.url, target });
      const { traceId, header } = traceparent();
      const client = await connectRaw(server.port);
      client.send(`GET /api/files/${FILE}/blob?endless HTTP/1.1\r\nHost: h\r\ntraceparent: ${header}\r\n\r\n`);
      await client.until((text) => text.length > 1_000_000);
      client.socket.destroy();
      const { events } = await seen(traceId);
      expect(events[0]?.attributes['clowder.download.complete']).toBe('false');
      expect(Number(events[0]?.attributes['clowder.bytes'])).toBeGreaterThan(900_000);
    },
  );

  test('of a range, and of a gzipped file, counts what was sent', async () => {
    await using server = await startRegistered('plain.mjs', { sink: sink.url });
    const url = `${server.url}/api/files/${FILE}/blob`;
    const range = traceparent();
    const part = await fetch(url, { headers: { traceparent: range.header, range: 'bytes=0-99' } });
    expect((await part.arrayBuffer()).byteLength).toBe(100);
    const [ranged] = (await seen(range.traceId)).events;
    expect(ranged?.attributes).toMatchObject({ 'clowder.bytes': '100', 'clowder.download.range': 'bytes 0-99/1000' });

    const gzip = traceparent();
    const packed = await exchangeRaw(
      server.port,
      `GET /api/files/${FILE}/blob HTTP/1.0\r\nHost: h\r\nAccept-Encoding: gzip\r\ntraceparent: ${gzip.header}\r\n\r\n`,
    );
    const sent = packed.text.slice(packed.text.indexOf('\r\n\r\n') + 4).length;
    expect(sent).toBeLessThan(10_000);
    const [whole] = (await seen(gzip.traceId)).events;
    expect(whole?.attributes).toMatchObject({ 'clowder.bytes': String(sent), 'clowder.download.complete': 'true' });
  });
});

describe('the program', () => {
  const REQUESTS: Readonly<Record<string, string>> = {
    'an error of its own': 'GET /error HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    'a page that is not there': 'GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    HEAD: `HEAD /api/files/${FILE}/blob HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
    'HTTP/1.0': `GET /api/files/${FILE}/blob HTTP/1.0\r\n\r\n`,
    '100-continue':
      'POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    'chunks with trailers':
      'POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
    'two requests at once': `GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\nPOST /api/uploadToDataset/${DATASET} HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc`,
    'a request that is none': 'GET nonsense\r\n\r\n',
    'no Host': 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
    'a broken connection': 'GET /destroy HTTP/1.1\r\nHost: h\r\n\r\n',
    'percent-encoding that is none': `GET /api/files/%zz%/blob?key=%E0%A4%A HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`,
  };

  test('answers as without', async () => {
    await using bare = await startRegistered('plain.mjs', { by: 'none' });
    await using registered = await startRegistered('plain.mjs', { sink: sink.url });
    for (const [what, request] of Object.entries(REQUESTS)) {
      const [as, without] = await Promise.all([registered, bare].map(({ port }) => exchangeRaw(port, request)));
      const own = as?.text.replaceAll('X-Clowder-Captured: 1\r\n', '').replaceAll(/Date: .*\r\n/g, '');
      expect({ what, text: own, how: as?.how }).toEqual({
        what,
        text: without?.text.replaceAll(/Date: .*\r\n/g, ''),
        how: without?.how,
      });
    }
  });

  test('keeps its upgraded connections', async () => {
    await using server = await startRegistered('plain.mjs', { sink: sink.url });
    const client = await connectRaw(server.port);
    client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await client.until('101 Switching Protocols');
    client.send('over and over');
    expect(await client.until('over and over')).toContain('Upgrade: echo');
    client.socket.destroy();
  });

  test('gets and sends every byte as it is', async () => {
    await using server = await startRegistered('plain.mjs', { sink: sink.url });
    const bytes = randomBytes(8 * 1024 * 1024);
    const answer = await fetch(`${server.url}/echo`, { method: 'POST', body: bytes });
    const hash = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
    expect(hash(await answer.bytes())).toBe(hash(bytes));
  });

  test('needs no more memory for a long upload and a long download', async () => {
    await using server = await startRegistered('plain.mjs', { sink: sink.url });
    const rss = async (): Promise<number> => {
      const [, pages] = (await readFile(`/proc/${server.pid}/statm`, 'utf8')).split(' ');
      return Number(pages) * 4096;
    };
    const move = async (total: number): Promise<number> => {
      const client = await connectRaw(server.port);
      client.socket.removeAllListeners('data');
      const block = 'x'.repeat(1024 * 1024);
      let most = 0;
      client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${total}\r\n\r\n`);
      for (let sent = 0; sent < total; sent += block.length) {
        if (!client.socket.write(block)) await once(client.socket, 'drain');
        most = Math.max(most, await rss());
      }
      client.send(`GET /api/files/${FILE}/blob?endless HTTP/1.1\r\nHost: h\r\n\r\n`);
      let got = 0;
      for await (const chunk of client.socket as AsyncIterable<Buffer>) {
        got += chunk.length;
        if (got % (1024 * 1024) < chunk.length) most = Math.max(most, await rss());
        if (got > total) break;
      }
      client.socket.destroy();
      return most;
    };
    const short = await move(32 * 1024 * 1024);
    const long = await move(768 * 1024 * 1024);
    expect(long - short).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('at the end of the program', () => {
  const event = (traceId: string): string | undefined => sink.trace(traceId).logs[0]?.eventName;

  test('a signal takes its usual effect, after everything was sent', async () => {
    const server = await startRegistered('plain.mjs', { sink: sink.url });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    expect(await server.kill('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' });
    expect(event(traceId)).toBe('clowder.file.uploaded');
    expect(sink.trace(traceId).spans).toHaveLength(1);
  });

  test('its own handler decides, and sees no listener but itself', async () => {
    const server = await startRegistered('plain.mjs', { sink: sink.url, env: { OWN_HANDLER: 'true' } });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    expect(await server.kill('SIGTERM')).toEqual({ code: 7, signal: null });
    expect(server.output()).toContain('SIGTERM for 1 listener\n');
    expect(event(traceId)).toBe('clowder.file.uploaded');
  });

  test('a second signal does not wait for a receiver that is away', async () => {
    await using silent = await startRawServer(() => undefined);
    const server = await startRegistered('plain.mjs', { sink: silent.url });
    await (await upload(server, traceparent().header)).arrayBuffer();
    const began = performance.now();
    const first = server.kill('SIGINT');
    await waitFor(() => silent.received.some((text) => text.includes('POST /v1/logs')), { what: 'the flush' });
    await server.kill('SIGINT');
    expect(await first).toEqual({ code: null, signal: 'SIGINT' });
    expect(performance.now() - began).toBeLessThan(4000);
  });

  test('that comes by itself, everything is sent, and nothing keeps it running', async () => {
    const server = await startRegistered('plain.mjs', { sink: sink.url, env: { ONCE: 'true' } });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(event(traceId)).toBe('clowder.file.uploaded');
  });
});

describe('the preload', () => {
  test('says nothing when all is well', async () => {
    await using server = await startRegistered('express5.mjs', { sink: sink.url });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    await seen(traceId);
    expect(server.output()).toBe(`listening on ${server.port}\n`);
  });

  test.each(['express5.mjs', 'express5.cjs'])('has Express instrumented as well (%s)', async (file) => {
    await using server = await startRegistered(file, { sink: sink.url });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    const span = await waitFor(
      () =>
        sink
          .trace(traceId)
          .spans.find(({ attributes }) => attributesOf(attributes)['express.type'] === 'request_handler'),
      { what: 'the span of the handler' },
    );
    expect(attributesOf(span.attributes)['http.route']).toBe('/api/uploadToDataset/:id');
  });

  test('does nothing when the SDK is disabled', async () => {
    const before = sink.requests.length;
    const server = await startRegistered('plain.mjs', { sink: sink.url, env: { OTEL_SDK_DISABLED: 'true' } });
    const answer = await upload(server, traceparent().header);
    expect(answer.headers.has('x-clowder-captured')).toBe(false);
    await answer.arrayBuffer();
    await server.kill();
    expect(server.output()).toBe(`listening on ${server.port}\n`);
    expect(sink.requests).toHaveLength(before);
  });

  test('says that nothing was patched when its instrumentation is switched off', async () => {
    await using server = await startRegistered('plain.mjs', {
      sink: sink.url,
      env: { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'clowder' },
    });
    expect(server.output()).toContain('clowder-otel: nothing was patched');
  });

  test.each(['true', 'false'])('adds itself to the SDK of an operator, which takes log records: %s', async (takes) => {
    await using server = await startRegistered('plain.mjs', {
      sink: sink.url,
      before: ['operator-sdk.mjs'],
      env: { LOGS: takes, OTEL_SERVICE_NAME: 'of the operator' },
    });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    const { name, events } = await seen(traceId);
    expect(name).toBe('POST /api/uploadToDataset/:id');
    expect(events.map((one) => one.name)).toEqual(['clowder.file.uploaded']);
    expect(server.output()).toContain('an OpenTelemetry SDK is registered already');
    expect(server.output().includes('that SDK takes no log records')).toBe(takes === 'false');
  });

  test('says once that the receiver is away, and the program works', async () => {
    await using server = await startRegistered('plain.mjs', { env: { OTEL_EXPORTER_OTLP_TIMEOUT: '500' } });
    for (let count = 0; count < 3; count += 1) {
      expect(await (await upload(server, traceparent().header)).json()).toEqual({ id: FILE });
    }
    for (const what of ['spans', 'domain events']) {
      await waitFor(() => server.output().includes(`clowder-otel: ${what} cannot be sent`), {
        what: 'a line about it',
      });
    }
    expect(server.output().match(/domain events cannot be sent/g)).toHaveLength(1);
  });
});
