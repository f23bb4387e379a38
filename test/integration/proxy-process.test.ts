import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createServer, request as requestTls } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../support/certificates.ts';
import { startByteSink } from '../support/byte-sink.ts';
import { runCli, runCliToEnd } from '../support/collector-process.ts';
import { attributesOf, startOtlpSink } from '../support/otlp-sink.ts';
import { startOwnProxy } from '../support/own-proxy.ts';
import { freePort, tempDir } from '../support/processes.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { connectRaw, exchangeRaw, startRawServer, type OnBytes } from '../support/raw-http.ts';
import { answersOk, waitFor } from '../support/wait-for.ts';

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 2\r\n\r\nok';
const answering: OnBytes = (socket, text) => {
  if (text.endsWith('\r\n\r\n')) socket.write(OK);
};
const FILE = '64a1f0c2e4b0d3a9c8f7b6a5';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const DOWNLOAD =
  `GET /api/files/${FILE}?key=s3cret HTTP/1.1\r\nHost: clowder.test\r\nUser-Agent: curl/8.5\r\nConnection: close\r\n` +
  `traceparent: 00-${TRACE}-${PARENT}-01\r\ntracestate: other=1\r\n\r\n`;
const portOf = (url: string): number => Number(new URL(url).port);

async function startAll(onBytes: OnBytes, flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const clowder = stack.use(await startRawServer(onBytes));
  const sink = stack.use(await startOtlpSink());
  const proxy = stack.use(
    await startProxyProcess({
      target: clowder.url,
      otlpUrl: sink.url,
      flags,
      env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', ...env },
    }),
  );
  return { clowder, sink, proxy, port: portOf(proxy.url) };
}

describe('a request through the proxy', () => {
  it("of an untrusted client begins a trace that links to the client's, and has an id of its own", async () => {
    const { clowder, sink, port } = await startAll(answering, [], { TRUSTED_PROXIES: '' });
    const ids = new Set<string>();
    for (let requests = 1; requests <= 3; requests += 1) {
      const { text } = await exchangeRaw(port, DOWNLOAD);
      ids.add(/X-Clowder-Captured: ([0-9a-f]{16})\r\n/.exec(text)?.[1] ?? '');
    }
    const sent = [...clowder.received.join('').matchAll(/traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-01\r\ntracestate: clowder=([0-9a-f]{16})\r\n/g)]; // prettier-ignore
    expect(new Set(sent.map(([, , , id]) => id))).toEqual(ids);
    expect(new Set(sent.map(([, , spanId]) => spanId))).toEqual(ids);
    expect(ids.size).toBe(3);
    for (const [, traceId = '', spanId] of sent) {
      expect(traceId).not.toBe(TRACE);
      const { spans } = await waitFor(() => sink.trace(traceId).spans.length > 0 && sink.trace(traceId), {
        what: 'the span',
      });
      expect(spans).toMatchObject([{ spanId, links: [{ traceId: TRACE, spanId: PARENT }] }]);
      expect(spans[0]?.parentSpanId ?? '').toBe('');
    }
    expect(sink.trace(TRACE)).toEqual({ spans: [], logs: [] });
  });

  it("is a span in a trusted caller's trace and Clowder's parent, and an event if it is one", async () => {
    const { clowder, sink, port } = await startAll(answering);
    const { text } = await exchangeRaw(port, DOWNLOAD);
    const { spans, logs } = await waitFor(
      () => {
        const trace = sink.trace(TRACE);
        return trace.spans.length > 0 && trace.logs.length > 0 && trace;
      },
      { what: 'span and event' },
    );
    expect(spans).toHaveLength(1);
    expect(text).toContain(`X-Clowder-Captured: ${spans[0]?.spanId}\r\n`);
    expect(spans[0]).toMatchObject({ name: 'GET /api/files/:id', kind: 2, parentSpanId: PARENT });
    expect(attributesOf(spans[0]?.attributes ?? [])).toMatchObject({
      'http.request.method': 'GET',
      'url.path': `/api/files/${FILE}`,
      'url.query': 'key=REDACTED',
      'http.response.status_code': '200',
      'http.response.body.size': '2',
      'clowder.file.id': FILE,
    });
    expect(logs.map(({ eventName }) => eventName)).toEqual(['clowder.view.download']);
    const head = clowder.received.join('');
    expect(head).toContain(
      `traceparent: 00-${TRACE}-${spans[0]?.spanId}-01\r\ntracestate: clowder=${spans[0]?.spanId},other=1\r\n`,
    );
    expect(head.match(/traceparent/g)).toHaveLength(1);
  });

  it('gets a span that says so if Clowder is away', async () => {
    const { clowder, sink, port } = await startAll(answering);
    await clowder[Symbol.asyncDispose]();
    expect((await exchangeRaw(port, DOWNLOAD)).text).toMatch(/^HTTP\/1\.1 502 /);
    const [span] = await waitFor(() => sink.trace(TRACE).spans.length > 0 && sink.trace(TRACE).spans, {
      what: 'the span',
    });
    expect(attributesOf(span?.attributes ?? [])).toMatchObject({
      'http.response.status_code': '502',
      'error.type': 'ECONNREFUSED',
    });
    expect(sink.trace(TRACE).logs).toEqual([]);
  });

  it('is passed on even if no receiver accepts telemetry', async () => {
    const clowder = stack.use(await startRawServer(answering));
    const otlpUrl = `http://127.0.0.1:${await freePort()}`;
    const proxy = stack.use(await startProxyProcess({ target: clowder.url, otlpUrl }));
    for (let i = 0; i < 20; i++) expect((await exchangeRaw(portOf(proxy.url), DOWNLOAD)).text).toMatch(/ok$/);
    expect(await proxy.kill()).toEqual({ code: 0, signal: null });
  });
});

describe('ten thousand connections', () => {
  const CONNECTIONS = 10_000;

  it('are served at the same time', async () => {
    const { port } = await startAll(answering);
    const get = 'GET /api/status HTTP/1.1\r\nHost: h\r\n\r\n';
    const sockets = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        const socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
        return socket;
      }),
    );
    stack.defer(() => {
      for (const socket of sockets) socket.destroy();
    });
    // Twice on each connection: they are kept open.
    for (let round = 0; round < 2; round++) {
      const answers = sockets.map(async (socket) => {
        let text = '';
        while (!text.endsWith('ok')) text += String((await once(socket, 'data'))[0]);
        return text;
      });
      for (const socket of sockets) socket.write(get);
      const texts = await Promise.all(answers);
      expect(texts.filter((text) => !text.startsWith('HTTP/1.1 200 OK\r\n'))).toEqual([]);
    }
  });
});

describe('SIGTERM', () => {
  it('lets requests finish, sends what was captured, and ends with 0', async () => {
    let answer: (() => void) | undefined;
    // The proxy sends nothing before the end by itself.
    const { sink, proxy, port } = await startAll(
      (socket) => {
        answer = () => void socket.write(OK);
      },
      [],
      { OTEL_BSP_SCHEDULE_DELAY: '60000' },
    );
    const client = await connectRaw(port);
    client.send(DOWNLOAD.replace('Connection: close\r\n', ''));
    await waitFor(() => answer !== undefined, { what: 'the request at Clowder' });
    const ended = proxy.kill();
    await waitFor(async () => !(await connects(port)), { what: 'the proxy to take no connection' });
    answer?.();
    await client.until('Connection: close\r\n\r\nok');
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(sink.trace(TRACE).spans).toHaveLength(1);
    expect(sink.trace(TRACE).logs).toHaveLength(1);
    client.socket.destroy();
  });

  it('ends with 0 in time even if a request does not finish', async () => {
    const { proxy, port } = await startAll(
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
      ['--drain', '0.5'],
    );
    const client = await connectRaw(port);
    client.send(DOWNLOAD);
    await client.until('half');
    expect(await proxy.kill()).toEqual({ code: 0, signal: null });
    client.socket.destroy();
  });
});

async function connects(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('TLS', () => {
  async function certificates() {
    const dir = await tempDir('proxy-tls');
    stack.defer(() => dir.remove());
    const authority = await createAuthority(dir.path, 'test');
    return {
      dir: dir.path,
      ca: authority.ca,
      first: await authority.issue('first'),
      second: await authority.issue('second'),
    };
  }

  function get(url: string, ca: Buffer): Promise<{ status: number | undefined; body: string; subject: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number | undefined;
      body: string;
      subject: string;
    }>();
    requestTls(url, { ca, agent: false }, (answer) => {
      const socket = answer.socket as TLSSocket;
      const subject = String(socket.getPeerCertificate().subject.CN);
      answer.toArray().then((chunks) => resolve({ status: answer.statusCode, body: chunks.join(''), subject }), reject);
    })
      .on('error', reject)
      .end();
    return promise;
  }

  it('is served with a certificate that SIGHUP reads again', async () => {
    const { dir, ca, first, second } = await certificates();
    const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')];
    const install = async (from: { cert: string; key: string }): Promise<void> => {
      await copyFile(from.key, key);
      await copyFile(from.cert, cert);
    };
    await install(first);
    const { clowder, proxy } = await startAll(answering, ['--tls-cert', cert, '--tls-key', key, '--log-level', 'info']);
    const authority = await readFile(ca);
    const url = `${proxy.url.replace('http:', 'https:')}/api/status`;
    expect(await get(url, authority)).toEqual({ status: 200, body: 'ok', subject: 'first' });
    expect(clowder.received.join('')).toContain('X-Forwarded-Proto: https\r\n');
    await install(second);
    process.kill(proxy.pid, 'SIGHUP');
    await waitFor(async () => (await get(url, authority)).subject === 'second', { what: 'the second certificate' });
    await writeFile(key, 'no key');
    process.kill(proxy.pid, 'SIGHUP');
    await waitFor(() => proxy.output().includes('the old ones stay'), { what: 'the refusal of a broken key' });
    expect((await get(url, authority)).subject).toBe('second');
  });

  it('to Clowder is checked against the configured CA, or not at all if so configured', async () => {
    const { ca, first } = await certificates();
    const clowder = stack.use(await startTlsClowder(first));
    const proxied = async (settings: Readonly<Record<string, string>>): Promise<string> => {
      const proxy = stack.use(
        await startOwnProxy(`https://127.0.0.1:${clowder.port}`, { PROXY_DRAIN_S: '0.2', ...settings }),
      );
      return (await exchangeRaw(proxy.port, DOWNLOAD)).text;
    };
    expect(await proxied({ PROXY_TARGET_CA_FILE: ca })).toMatch(/^HTTP\/1\.1 200 OK\r\n.*ok$/s);
    expect(await proxied({ PROXY_TARGET_INSECURE: 'true' })).toMatch(/^HTTP\/1\.1 200 OK\r\n.*ok$/s);
    expect(await proxied({})).toMatch(/^HTTP\/1\.1 502 /);
  });

  async function startTlsClowder({
    cert,
    key,
  }: {
    cert: string;
    key: string;
  }): Promise<{ port: number } & AsyncDisposable> {
    const server = createServer({ cert: await readFile(cert), key: await readFile(key) }, (_request, response) =>
      response.end('ok'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
    return {
      port: address.port,
      async [Symbol.asyncDispose]() {
        server.close();
        server.closeAllConnections();
        await once(server, 'close');
      },
    };
  }

  it('never blocks: a client that does not speak it disturbs no other', async () => {
    const { ca, first } = await certificates();
    const { proxy, port } = await startAll(answering, ['--tls-cert', first.cert, '--tls-key', first.key]);
    const silent = await connectRaw(port);
    silent.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    await silent.closed;
    const speaking = connectTls({ port, host: '127.0.0.1', ca: await readFile(ca) });
    await once(speaking, 'secureConnect');
    speaking.destroy();
    expect((await get(`${proxy.url.replace('http:', 'https:')}/`, await readFile(ca))).status).toBe(200);
    silent.socket.destroy();
  });
});

describe('the admin listener', () => {
  it("serves health, readiness and metrics, separate from Clowder's paths", async () => {
    const clowder = await startRawServer(answering);
    const proxy = stack.use(await startOwnProxy(clowder.url, { PROXY_ADMIN: '127.0.0.1:0', PROXY_DRAIN_S: '0.2' }));
    const admin = proxy.running.adminUrl ?? '';
    expect(await answersOk(`${admin}/healthz`)).toBe(true);
    expect(await (await fetch(`${admin}/readyz`)).json()).toEqual({
      status: 'ready',
      checks: { clowder: { ok: true }, collector: { events_waiting: 0, events_lost: 0 } },
    });
    await exchangeRaw(proxy.port, DOWNLOAD);
    expect(await (await fetch(`${admin}/metrics`)).text()).toMatch(/^clowder_otel_proxy_answers_total 1$/m);
    expect((await fetch(`${admin}/api/files`)).status).toBe(404);
    expect(
      (await exchangeRaw(proxy.port, 'GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')).text,
    ).toMatch(/ok$/);
    await clowder[Symbol.asyncDispose]();
    const unready = await fetch(`${admin}/readyz`);
    expect(unready.status).toBe(503);
    expect(await unready.json()).toMatchObject({
      status: 'unavailable',
      checks: { clowder: { ok: false, reason: expect.stringContaining('ECONNREFUSED') } },
    });
  });
});

describe('events', () => {
  it.each(['http/protobuf', 'http/json'])(
    'that wait or were lost are reported, with the state of the collector (%s)',
    async (protocol) => {
      const clowder = stack.use(await startRawServer(answering));
      const sink = await startByteSink();
      const proxy = stack.use(
        await startProxyProcess({
          target: clowder.url,
          otlpUrl: sink.url,
          env: { OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_TIMEOUT: '500' },
        }),
      );
      const collector = async () => {
        const { checks } = (await (await fetch(`${proxy.adminUrl}/readyz`)).json()) as {
          checks: { collector: unknown };
        };
        return checks.collector;
      };
      const metrics = async (): Promise<string> => (await fetch(`${proxy.adminUrl}/metrics`)).text();
      expect(await collector()).toEqual({ events_waiting: 0, events_lost: 0 });
      await exchangeRaw(portOf(proxy.url), DOWNLOAD);
      await waitFor(async () => JSON.stringify(await collector()).includes('"ok":true'), {
        what: 'the event to be taken',
      });
      await sink[Symbol.asyncDispose]();
      await exchangeRaw(portOf(proxy.url), DOWNLOAD);
      await waitFor(async () => JSON.stringify(await collector()).includes('"ok":false'), {
        what: 'an attempt to fail',
      });
      expect(await collector()).toEqual({
        ok: false,
        reason: expect.stringContaining('ECONNREFUSED'),
        events_waiting: 1,
        events_lost: 0,
      });
      expect(await metrics()).toMatch(
        /^clowder_otel_proxy_events_lost_total\{reason="queue_full"\} 0$[^]*^clowder_otel_proxy_events_waiting 1$[^]*^clowder_otel_proxy_collector_reached 0$/m,
      );
      expect((await fetch(`${proxy.adminUrl}/readyz`)).status).toBe(200);
    },
  );
});

describe('the command', () => {
  it('prints its help', async () => {
    const help = await runCli(['proxy', '--help']);
    expect(help).toMatch(/--listen <host:port>[^]*PROXY_LISTEN[^]*SIGTERM/);
  });

  it('ends with 2 if it is used wrongly, naming everything that is wrong', async () => {
    expect((await runCliToEnd(['proxy', '--no-such-flag'])).code).toBe(2);
    const { code, stderr } = await runCliToEnd(['proxy', '--listen', 'here', '--clowder', 'v3'], {
      PROXY_IDLE_TIMEOUT_S: 'soon',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /PROXY_LISTEN was "here".*CLOWDER_VERSION was "v3".*PROXY_IDLE_TIMEOUT_S was "soon".*OTEL_EXPORTER_OTLP_ENDPOINT was "collector:4318": it may be a URL/s,
    );
    const missing = await runCliToEnd(['proxy', '--target', 'https://127.0.0.1:1', '--target-ca', '/no/such/file']);
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/PROXY_TARGET_CA_FILE was .*ENOENT/) });
  });

  it('ends with 1 if its address is in use', async () => {
    const taken = stack.use(await startRawServer(() => undefined));
    const { code, stderr } = await runCliToEnd([
      'proxy',
      '--listen',
      `127.0.0.1:${taken.port}`,
      '--target',
      'http://127.0.0.1:1',
    ]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `PROXY_LISTEN 127.0.0.1:${taken.port} is in use by another program: stop that one, or set the port of PROXY_LISTEN to a free one`,
    );
  });

  it('reads settings from a file', async () => {
    const dir = await tempDir('proxy-config');
    stack.defer(() => dir.remove());
    const file = join(dir.path, 'proxy.yaml');
    await writeFile(file, 'PROXY_LISTEN: nowhere\nAMQP_URL: amqp://127.0.0.1\n');
    expect(await runCliToEnd(['--config', file, 'proxy'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/AMQP_URL is not a setting of the proxy.*PROXY_LISTEN was "nowhere"/s),
    });
  });
});
