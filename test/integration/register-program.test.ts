import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attributesOf, startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { connectRaw, exchangeRaw, startRawServer } from '../support/raw-http.ts';
import { DATASET, FILE, seen, startRegistered, traceparent, upload } from '../support/registered-server.ts';
import { tempDir } from '../support/processes.ts';
import { residentMiB } from '../support/resident.ts';
import { waitFor } from '../support/wait-for.ts';

let sink: OtlpSink;
let work: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  work = await tempDir('register');
  sink = await startOtlpSink();
});
afterAll(async () => {
  await work.remove();
  await sink[Symbol.asyncDispose]();
});

describe('a program with the preload', () => {
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

  test('answers as without it', async () => {
    await using bare = await startRegistered('plain.mjs', { by: 'none' });
    await using registered = await startRegistered('plain.mjs', { sink: sink.url });
    for (const [what, request] of Object.entries(REQUESTS)) {
      const [as, without] = await Promise.all([registered, bare].map(({ port }) => exchangeRaw(port, request)));
      const own = as?.text.replaceAll(/X-Clowder-Captured: [0-9a-f]{16}\r\n/g, '').replaceAll(/Date: .*\r\n/g, '');
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

  test('receives and sends every byte unchanged', async () => {
    await using server = await startRegistered('plain.mjs', { sink: sink.url });
    const bytes = randomBytes(8 * 1024 * 1024);
    const answer = await fetch(`${server.url}/echo`, { method: 'POST', body: bytes });
    const hash = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
    expect(hash(await answer.bytes())).toBe(hash(bytes));
  });

  test('needs no more memory for a long upload and a long download', async () => {
    await using server = await startRegistered('plain.mjs', { sink: sink.url });
    const rss = (): Promise<number> => residentMiB(server.pid);
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
    // Node's own buffers take a while to level out, with the preload or without.
    const warm = await move(384 * 1024 * 1024);
    const long = await move(1024 * 1024 * 1024);
    expect(long - warm).toBeLessThan(64);
  });
});

describe('at the end of the program', () => {
  const event = (traceId: string): string | undefined => sink.trace(traceId).logs[0]?.eventName;

  test.each(['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    '%s has its usual effect after everything was sent',
    async (signal) => {
      const server = await startRegistered('plain.mjs', { sink: sink.url });
      const { traceId, header } = traceparent();
      await (await upload(server, header)).arrayBuffer();
      expect(await server.kill(signal)).toEqual({ code: null, signal });
      expect(event(traceId)).toBe('clowder.file.uploaded');
      expect(sink.trace(traceId).spans).toHaveLength(1);
    },
  );

  test('a signal handler of the program decides, and sees no other listener', async () => {
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
    expect(performance.now() - began).toBeLessThan(5900);
  });

  test('an end without a signal sends everything, and nothing keeps the program running', async () => {
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
    await seen(sink, traceId);
    expect(server.output()).toBe(`listening on ${server.port}\n`);
  });

  test.each(['express5.mjs', 'express5.cjs'])('also has Express instrumented (%s)', async (file) => {
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

  test('leaves the program as without it if the endpoint has no scheme, and says why', async () => {
    await using server = await startRegistered('plain.mjs', { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' } });
    expect((await fetch(`${server.url}/api/files/${FILE}/blob`)).headers.get('x-clowder-captured')).toBeNull();
    expect(server.output()).toMatch(
      /OTEL_EXPORTER_OTLP_ENDPOINT was "collector:4318": it may be a URL .*\n.*nothing is captured or sent until that is corrected/,
    );
  });

  test('says that nothing was patched if its instrumentation is switched off', async () => {
    await using server = await startRegistered('plain.mjs', {
      sink: sink.url,
      env: { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'clowder' },
    });
    expect(server.output()).toContain('clowder-otel: nothing was patched');
  });

  test.each(['true', 'false'])("adds itself to an operator's SDK (which accepts log records: %s)", async (takes) => {
    await using server = await startRegistered('plain.mjs', {
      sink: sink.url,
      before: ['operator-sdk.mjs'],
      env: { LOGS: takes, OTEL_SERVICE_NAME: 'of the operator' },
    });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    const { name, events } = await seen(sink, traceId);
    expect(name).toBe('POST /api/uploadToDataset/:id');
    expect(events.map((one) => one.name)).toEqual(['clowder.file.uploaded']);
    expect(server.output()).toContain('an OpenTelemetry SDK is registered already');
    expect(server.output().includes('that SDK accepts no log records')).toBe(takes === 'false');
  });

  test('sets up its SDK from OTEL_CONFIG_FILE only', async () => {
    const file = join(work.path, `${randomBytes(4).toString('hex')}.yaml`);
    const to = (signal: string): string =>
      `{processors: [{simple: {exporter: {otlp_http: {endpoint: "${sink.url}/v1/${signal}", encoding: json}}}}]}`;
    await writeFile(
      file,
      `file_format: "1.0"\npropagator: {composite: [{tracecontext: }]}\ntracer_provider: ${to('traces')}\nlogger_provider: ${to('logs')}\n`,
    );
    await using server = await startRegistered('plain.mjs', { env: { OTEL_CONFIG_FILE: file } });
    const { traceId, header } = traceparent();
    await (await upload(server, header)).arrayBuffer();
    const { name, events } = await seen(sink, traceId);
    expect(name).toBe('POST /api/uploadToDataset/:id');
    expect(events.map((one) => one.name)).toEqual(['clowder.file.uploaded']);
    expect(server.output()).not.toContain('cannot be sent');
  });

  test.each([
    ['that does not exist', undefined],
    ['without a tracer', 'file_format: "1.0"\n'],
    ['that disables the SDK', 'file_format: "1.0"\ndisabled: true\ntracer_provider: {processors: []}\n'],
    ['that is not YAML', 'a: ['],
  ])('only reports an OTEL_CONFIG_FILE %s, and the program works', async (_, text) => {
    const file = join(work.path, `${randomBytes(4).toString('hex')}.yaml`);
    if (text !== undefined) await writeFile(file, text);
    await using server = await startRegistered('plain.mjs', { sink: sink.url, env: { OTEL_CONFIG_FILE: file } });
    const answer = await upload(server, traceparent().header);
    expect([answer.status, answer.headers.has('x-clowder-captured')]).toEqual([200, false]);
    expect(server.output()).toContain(`clowder-otel: nothing is observed: OTEL_CONFIG_FILE ${file} sets up no tracer`);
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
