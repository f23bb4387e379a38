import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeLogs, decodeTraces } from '../support/otlp-decode.ts';
import { seedId } from '../stand-in/seeds.ts';
import { createStandIn, type StandInVersion } from '../stand-in/server.ts';
import { USER as USER_V1 } from '../stand-in/v1/users.ts';
import { USER as USER_V2 } from '../stand-in/v2/models.ts';
import { startByteSink } from '../support/byte-sink.ts';
import { startOtlpSink } from '../support/otlp-sink.ts';
import { startProxyProcess, type ProxyProcess } from '../support/proxy-process.ts';
import { seen, startRegistered, traceparent } from '../support/registered-server.ts';
import { startStandIn } from '../support/stand-in.ts';
import { waitFor } from '../support/wait-for.ts';

const DATASET = seedId('dataset', 700);
const FILE = seedId('file', 700);
const SPACE = seedId('space', 700);
const COLLECTION = seedId('collection', 700);
const HTML = { accept: 'text/html' };
const everything = { request: () => true, metric: () => true };

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

/** Listens on a free port until the test ends. */
async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  stack.defer(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return `http://127.0.0.1:${address.port}`;
}

interface Clowder {
  readonly url: string;
  /** Look-ups in order of arrival. */
  readonly lookups: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** Whether look-ups now get no answer. */
  stalls: boolean;
}

/** A stand-in Clowder that records look-ups. */
async function startClowder(version: StandInVersion, contextPath = ''): Promise<Clowder> {
  const standIn = createStandIn({ version, contextPath });
  const lookups: { path: string; headers: IncomingHttpHeaders }[] = [];
  const clowder = { url: '', lookups, stalls: false };
  clowder.url = await listen((request, response) => {
    const isLookup = request.headers['user-agent'] === 'clowder-otel';
    if (isLookup) lookups.push({ path: request.url ?? '', headers: request.headers });
    if (!isLookup || !clowder.stalls) standIn(request, response);
  });
  return clowder;
}

interface Recorded {
  readonly name: string;
  readonly traceId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Sink {
  readonly url: string;
  readonly events: readonly Recorded[];
  readonly spans: readonly Recorded[];
}

/** Receives the proxy's telemetry in its default form, protobuf. */
async function startSink(): Promise<Sink> {
  const events: Recorded[] = [];
  const spans: Recorded[] = [];
  const receive = async (request: IncomingMessage): Promise<void> => {
    const raw = await buffer(request);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    if (request.url === '/v1/logs')
      for (const { eventName, traceId, attributes } of decodeLogs(body, everything).records)
        events.push({ name: eventName, traceId, attributes });
    if (request.url === '/v1/traces') spans.push(...decodeTraces(body, everything).records);
  };
  const url = await listen((request, response) => {
    receive(request).then(
      () => response.setHeader('content-type', 'application/x-protobuf').end(),
      () => response.writeHead(400).end(),
    );
  });
  return { url, events, spans };
}

async function startProxy(
  version: StandInVersion,
  target: string,
  sink: Sink,
  env: Readonly<Record<string, string>> = {},
): Promise<ProxyProcess> {
  return stack.use(
    await startProxyProcess({
      target,
      otlpUrl: sink.url,
      env: {
        CLOWDER_VERSION: version,
        CLOWDER_ENRICH: 'names,users',
        CLOWDER_ENRICH_API_KEY: 'operator-key',
        ...env,
      },
    }),
  );
}

type Request = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

/** Sends a request. @returns the attributes of its only event, once it is there */
async function eventOf(
  sink: Sink,
  url: string,
  init: Request = {},
): Promise<{ readonly name: string } & Recorded['attributes']> {
  const { header, traceId } = traceparent();
  const answer = await fetch(url, { redirect: 'manual', ...init, headers: { ...init.headers, traceparent: header } });
  await answer.arrayBuffer();
  const event = await waitFor(() => sink.events.find((one) => one.traceId === traceId), {
    what: `the event of ${url}`,
  });
  return { name: event.name, ...event.attributes };
}

function uploadOf(name: string, field: string): Request {
  const form = new FormData();
  form.append(field, new Blob(['12345']), name);
  return { method: 'POST', body: form };
}

const withHeaders = (init: Request, headers: Record<string, string>): Request => ({ ...init, headers });

describe('the proxy in front of a Clowder v1', () => {
  const ADA = { 'user.id': USER_V1.id, 'user.name': USER_V1.email };
  const SESSION = { cookie: 'PLAY_SESSION=x; id=5e55104' };

  test('asks it for names, spaces and users, each once, with the right credentials', async () => {
    const clowder = await startClowder('v1');
    const sink = await startSink();
    const proxy = await startProxy('v1', clowder.url, sink);
    const upload = `${proxy.url}/api/uploadToDataset/${DATASET}`;
    const inDataset = { 'clowder.dataset.name': 'dataset-700', 'clowder.space.id': SPACE };

    expect(await eventOf(sink, upload, withHeaders(uploadOf('a.txt', 'File'), SESSION))).toMatchObject({
      name: 'clowder.file.uploaded',
      'clowder.file.name': 'a.txt',
      ...inDataset,
      ...ADA,
    });
    expect(await eventOf(sink, `${upload}?key=secret-key`, uploadOf('b.txt', 'File'))).toMatchObject({
      ...inDataset,
      ...ADA,
    });
    expect(await eventOf(sink, `${proxy.url}/datasets/${DATASET}`, { headers: { ...HTML, ...SESSION } })).toMatchObject(
      {
        name: 'clowder.view.resource',
        'clowder.resource.name': 'dataset-700',
        'clowder.space.id': SPACE,
        'clowder.author.id': USER_V1.id,
        ...ADA,
      },
    );
    const anonymous = await eventOf(sink, `${proxy.url}/collection/${COLLECTION}`, { headers: HTML });
    expect(anonymous).toMatchObject({ 'clowder.resource.name': 'collection-700', 'clowder.space.id': SPACE });
    expect(anonymous).not.toHaveProperty('user.id');
    expect(await eventOf(sink, `${proxy.url}/files/${FILE}?dataset=${DATASET}`, { headers: HTML })).toMatchObject({
      'clowder.resource.name': 'file-700.txt',
      'clowder.space.id': SPACE,
    });
    expect(await eventOf(sink, `${proxy.url}/api/files/${FILE}/archive`, { method: 'POST' })).toMatchObject({
      name: 'clowder.file.archived',
      'clowder.file.name': 'file-700.txt',
    });
    expect(await eventOf(sink, `${proxy.url}/api/files/${FILE}`, { method: 'DELETE' })).toMatchObject({
      name: 'clowder.file.deleted',
      'clowder.file.name': 'file-700.txt',
    });

    expect(clowder.lookups.map(({ path }) => path).toSorted()).toEqual(
      [
        '/api/me',
        '/api/me',
        `/api/collections/${COLLECTION}`,
        `/api/datasets/${DATASET}`,
        `/api/files/${FILE}/metadata`,
      ].toSorted(),
    );
    for (const { path, headers } of clowder.lookups) {
      const isOfUser = path === '/api/me';
      expect(headers['x-api-key']).toBe(
        !isOfUser ? 'operator-key' : headers.cookie === undefined ? 'secret-key' : undefined,
      );
      expect(headers.cookie).toBe(isOfUser && headers['x-api-key'] === undefined ? 'id=5e55104' : undefined);
    }

    const figures = await (await fetch(`${proxy.adminUrl}/metrics`)).text();
    expect(figures).toContain('clowder_otel_proxy_enrich_lookups_total{outcome="found"} 5');
    expect(figures).toMatch(/clowder_otel_proxy_enrich_cache_hits_total \d/);

    // One span for each request and one event for each: none of look-ups. Spans have the known users too.
    await proxy.kill();
    expect(sink.spans).toHaveLength(7);
    expect(sink.events).toHaveLength(7);
    const viewed = sink.spans.find(({ attributes }) => attributes['url.path'] === `/datasets/${DATASET}`);
    expect(viewed?.attributes).toMatchObject(ADA);
    expect(JSON.stringify([sink.spans, sink.events, proxy.output()], withoutBigInt)).not.toMatch(
      /operator-key|secret-key|5e55104/,
    );
  });

  test('causes no span in an instrumented Clowder, and finds it behind its context path', async () => {
    await using spans = await startByteSink();
    await using clowder = await startStandIn('v1', { otlpUrl: spans.url, contextPath: '/clowder' });
    const sink = await startSink();
    const proxy = await startProxy('v1', `http://127.0.0.1:${clowder.port}`, sink, { CLOWDER_CONTEXT: '/clowder' });
    const url = `${proxy.url}/clowder/datasets/${DATASET}`;
    const viewed = await eventOf(sink, url, { headers: { ...HTML, cookie: 'id=1' } });
    expect(viewed).toMatchObject({ 'clowder.resource.name': 'dataset-700', 'user.id': USER_V1.id });
    await clowder.stop();
    expect(spans.content()).toContain(`/clowder/datasets/${DATASET}`);
    expect(spans.content()).not.toContain('/api/');
  });

  test('answers while look-ups stall, and sends the event without their results', async () => {
    const clowder = await startClowder('v1');
    clowder.stalls = true;
    const sink = await startSink();
    const proxy = await startProxy('v1', clowder.url, sink, { CLOWDER_ENRICH_TIMEOUT_S: '0.7' });
    const answer = await fetch(`${proxy.url}/datasets/${DATASET}`, { headers: HTML });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('<title>');
    await waitFor(() => clowder.lookups.length === 1, { what: 'the look-up' });
    expect(sink.events).toEqual([]);
    const event = await waitFor(() => sink.events[0], { what: 'the event' });
    expect(event.name).toBe('clowder.view.resource');
    expect(event.attributes).not.toHaveProperty('clowder.resource.name');
    const figures = await (await fetch(`${proxy.adminUrl}/metrics`)).text();
    expect(figures).toContain('clowder_otel_proxy_enrich_events_unenriched_total{reason="timeout"} 1');
  });

  test('sends what waits when it is stopped', async () => {
    const clowder = await startClowder('v1');
    clowder.stalls = true;
    const sink = await startSink();
    const proxy = await startProxy('v1', clowder.url, sink, { CLOWDER_ENRICH_TIMEOUT_S: '10' });
    await fetch(`${proxy.url}/datasets/${DATASET}`, { headers: HTML });
    await waitFor(() => clowder.lookups.length === 1, { what: 'the look-up' });
    expect(await proxy.kill()).toMatchObject({ code: 0 });
    expect(sink.events.map(({ name }) => name)).toEqual(['clowder.view.resource']);
  });

  test('asks nothing if look-ups are not configured', async () => {
    const clowder = await startClowder('v1');
    const sink = await startSink();
    const proxy = await startProxy('v1', clowder.url, sink, { CLOWDER_ENRICH: '' });
    const viewed = await eventOf(sink, `${proxy.url}/datasets/${DATASET}`, { headers: { ...HTML, cookie: 'id=1' } });
    expect(viewed).not.toHaveProperty('clowder.resource.name');
    expect(clowder.lookups).toEqual([]);
    expect(await (await fetch(`${proxy.adminUrl}/metrics`)).text()).not.toContain('enrich');
  });
});

describe('the proxy in front of a Clowder v2', () => {
  const ADA = { 'user.id': USER_V2.id, 'user.name': USER_V2.email };

  test('asks it for datasets, names and users', async () => {
    const clowder = await startClowder('v2');
    const sink = await startSink();
    const proxy = await startProxy('v2', clowder.url, sink);
    const KEY = { 'x-api-key': 'secret-key' };
    expect(await eventOf(sink, `${proxy.url}/api/v2/files/${FILE}`, { headers: KEY })).toMatchObject({
      name: 'clowder.view.download',
      'clowder.file.name': 'file-700.txt',
      'clowder.dataset.id': DATASET,
      'clowder.author.id': USER_V2.id,
      'clowder.author.name': USER_V2.email,
      ...ADA,
    });
    const upload = withHeaders(uploadOf('a.txt', 'file'), { cookie: 'Authorization="Bearer secret-token"' });
    expect(await eventOf(sink, `${proxy.url}/api/v2/datasets/${DATASET}/files`, upload)).toMatchObject({
      name: 'clowder.file.uploaded',
      'clowder.dataset.name': 'dataset-700',
      ...ADA,
    });
    expect(clowder.lookups.map(({ path }) => path).toSorted()).toEqual([
      `/api/v2/datasets/${DATASET}`,
      `/api/v2/files/${FILE}/summary`,
      '/api/v2/users/profile',
      '/api/v2/users/profile',
    ]);
    await proxy.kill();
    expect([sink.spans.length, sink.events.length]).toEqual([2, 2]);
  });

  test('asks only for what is public if it has no key', async () => {
    const clowder = await startClowder('v2');
    const sink = await startSink();
    const proxy = await startProxy('v2', clowder.url, sink, { CLOWDER_ENRICH_API_KEY: '', CLOWDER_ENRICH: 'names' });
    const download = await eventOf(sink, `${proxy.url}/api/v2/public_files/${FILE}`, { headers: { 'x-api-key': 'k' } });
    expect(download).toMatchObject({ 'clowder.dataset.id': DATASET });
    expect(download).not.toHaveProperty('user.id');
    expect(clowder.lookups).toMatchObject([{ path: `/api/v2/public_files/${FILE}/summary` }]);
    expect(clowder.lookups[0]?.headers).not.toHaveProperty('x-api-key');
  });
});

describe('an instrumented server', () => {
  test('asks Clowder as the proxy does, without causing a span', async () => {
    const clowder = await startClowder('v1');
    await using sink = await startOtlpSink();
    const server = await startRegistered('plain.mjs', {
      sink: sink.url,
      env: { CLOWDER_ENRICH: 'names,users', CLOWDER_ENRICH_URL: clowder.url, CLOWDER_ENRICH_API_KEY: 'operator-key' },
    });
    const { header, traceId } = traceparent();
    const form = uploadOf('hello.txt', 'File');
    await fetch(`${server.url}/api/uploadToDataset/${DATASET}`, {
      ...form,
      headers: { traceparent: header, cookie: 'id=5e55104' },
    });
    const { events } = await seen(sink, traceId);
    expect(events[0]?.attributes).toMatchObject({
      'clowder.dataset.name': 'dataset-700',
      'clowder.space.id': SPACE,
      'user.id': USER_V1.id,
    });
    clowder.stalls = true;
    const second = traceparent();
    await fetch(`${server.url}/api/uploadToDataset/${seedId('dataset', 701)}`, {
      ...uploadOf('hello.txt', 'File'),
      headers: { traceparent: second.header },
    });
    await waitFor(() => clowder.lookups.length === 3, { what: 'the look-up that stalls' });
    await server.kill();
    expect(sink.trace(second.traceId).logs).toHaveLength(1);
    expect(sink.spans('GET')).toEqual([]);
    expect(server.output()).not.toContain('operator-key');
  });
});

/** The decoder gives 64-bit integers as bigint, which JSON cannot have. */
const withoutBigInt = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);
