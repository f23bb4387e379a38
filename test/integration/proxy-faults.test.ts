import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUpstream, type Answering, type LentConnection, type Waiter } from '../../proxy/upstream/index.ts';
import { behindProxy, startOwnProxy, type OwnProxy } from '../support/own-proxy.ts';
import { freePort } from '../support/processes.ts';
import { connectRaw, exchangeRaw, startRawServer } from '../support/raw-http.ts';
import { waitFor } from '../support/wait-for.ts';

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

const GET = 'GET /api/files/64a1f0c2e4b0d3a9c8f7b6a5?key=s3cret HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const LARGE = 32 * 1024 * 1024;

/** The only watched request, once it is over. */
async function watchedOne({ watched }: OwnProxy) {
  await waitFor(() => watched.length > 0, { what: 'the request to be over' });
  expect(watched).toHaveLength(1);
  return watched[0];
}

/** An exchange that records its calls. */
class Asking implements Answering, Waiter {
  readonly told: string[] = [];
  connection: LentConnection | undefined;
  readonly #head: string;

  constructor(head: string) {
    this.#head = head;
  }
  connected(connection: LentConnection): void {
    this.connection = connection;
    connection.begin(this, 'GET', this.#head, { body: false, upgrade: false });
  }
  informational = (): void => void this.told.push('informational');
  head = (): void => void this.told.push('head');
  body = (): void => void this.told.push('body');
  end = (): void => void this.told.push('end');
  switched = (): void => void this.told.push('switched');
  settled = (): void => undefined;
  drain = (): void => undefined;
  gone = (): void => void this.told.push('gone');
  failed = (): void => void this.told.push('failed');
}

describe('a Clowder', () => {
  it('that is away gets its client a 502 in plain text, logged once, without secrets', async () => {
    const proxy = stack.use(await startOwnProxy(`http://127.0.0.1:${await freePort()}`));
    const { text, how } = await exchangeRaw(proxy.port, GET);
    expect(how).toBe('ended');
    expect(text).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
    expect(text).toMatch(/X-Clowder-Captured: [0-9a-f]{16}\r\n.*Clowder cannot be reached/s);
    await exchangeRaw(proxy.port, GET);
    await waitFor(() => proxy.watched.length === 2, { what: 'both to be over' });
    expect(proxy.watched[0]).toMatchObject({
      complete: true,
      error: { code: 'ECONNREFUSED' },
      attributes: { 'http.response.status_code': 502 },
      events: [],
    });
    const warnings = proxy.logged.filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([
      { fields: { code: 'ECONNREFUSED', trace_id: '0af7651916cd43dd8448eb211c80319c' } },
    ]);
    expect(JSON.stringify(proxy.logged)).not.toContain('s3cret');
  });

  it('that comes back is used again, and the log says so', async () => {
    const port = await freePort();
    const proxy = stack.use(await startOwnProxy(`http://127.0.0.1:${port}`));
    await exchangeRaw(proxy.port, GET);
    const clowder = stack.use(await startRawServer((socket) => socket.write(OK), port));
    expect(clowder.port).toBe(port);
    expect((await exchangeRaw(proxy.port, GET)).text).toMatch(/ok$/);
    expect(proxy.logged.map(({ message }) => message)).toContain('Clowder answers again');
  });

  it('that is away also gets its client a 502 in the middle of an upload, which the client sees', async () => {
    const proxy = stack.use(await startOwnProxy(`http://127.0.0.1:${await freePort()}`));
    const client = await connectRaw(proxy.port);
    client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${LARGE}\r\n\r\n`);
    await client.until('Try again later.\n');
    // The proxy reads on until the client is done: otherwise many clients would see only a connection reset.
    await promisify((done: (error?: Error | null) => void) => client.socket.write(Buffer.alloc(LARGE), done))();
    expect(await client.closed).toBe('ended');
    expect(client.received()).toMatch(
      /^HTTP\/1\.1 502 Bad Gateway\r\n.*Connection: close\r\n.*\r\n\r\n502 Bad Gateway\n.*\n$/s,
    );
    client.socket.destroy();
  });

  it('that never answers gets its client a 504', async () => {
    const { clowder, proxy } = await behindProxy(stack, () => undefined, { PROXY_FIRST_BYTE_TIMEOUT_S: '0.3' });
    const { text } = await exchangeRaw(proxy.port, GET);
    expect(text).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n.*Clowder did not answer in time/s);
    expect(await watchedOne(proxy)).toMatchObject({ error: { code: 'first_byte_timeout' } });
    await waitFor(() => clowder.sockets[0]?.readableEnded, { what: 'the connection to be given up' });
  });

  it('that accepts no connection gets its client a 504', async () => {
    // It accepts, but never answers the TLS handshake.
    const clowder = stack.use(await startRawServer(() => undefined));
    const proxy = stack.use(
      await startOwnProxy(`https://127.0.0.1:${clowder.port}`, {
        PROXY_CONNECT_TIMEOUT_S: '0.3',
        PROXY_DRAIN_S: '0.2',
      }),
    );
    expect((await exchangeRaw(proxy.port, GET)).text).toMatch(/^HTTP\/1\.1 504 /);
    expect(await watchedOne(proxy)).toMatchObject({ error: { code: 'connect_timeout' } });
  });

  it('that closes without an answer gets its client a 502', async () => {
    const { proxy } = await behindProxy(stack, (socket) => socket.end());
    expect((await exchangeRaw(proxy.port, GET)).text).toMatch(/^HTTP\/1\.1 502 /);
    expect(await watchedOne(proxy)).toMatchObject({ error: { code: 'no_response' } });
  });

  it.each([
    ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['sends a head without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`],
    [
      'sends both a length and chunks',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['changes to a protocol that the client did not ask for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ["ends a chunk's head with LF only", `${CHUNKED}4\nhalf\r\n0\r\n\r\n`],
    ['gives a chunk without a size', `${CHUNKED}x\r\nhalf\r\n0\r\n\r\n`],
    ['breaks its second chunk before any of the first was sent on', `${CHUNKED}4\r\nhalf\r\nxyz\r\n`],
    ['sends a chunk that is longer than it says', `${CHUNKED}2\r\nhalf\r\n0\r\n\r\n`],
    ['ends its trailers with LF only', `${CHUNKED}4\r\nhalf\r\n0\r\nA: b\n\n`],
  ])('that %s gets its client a 502', async (_name, answer) => {
    const { proxy } = await behindProxy(stack, (socket) => socket.write(answer));
    const { text } = await exchangeRaw(proxy.port, GET);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text.split('HTTP/1.1')).toHaveLength(2);
    expect(await watchedOne(proxy)).toMatchObject({ error: { code: 'malformed_response' } });
  });

  it.each([
    ['a reset after part of the length', 'Content-Length: 10\r\n\r\nhalf', 'reset', 'ECONNRESET'],
    ['an end after part of the length', 'Content-Length: 10\r\n\r\nhalf', 'end', 'truncated_response'],
    ['a reset between chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'reset', 'ECONNRESET'],
    ['an end between chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'end', 'truncated_response'],
    ['a reset of an answer without length', '\r\nhalf', 'reset', 'ECONNRESET'],
    ['a broken chunk', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'xyz\r\n', 'malformed_response'],
  ] as const)('that breaks off never looks complete: %s', async (_name, answer, how, code) => {
    const { clowder, proxy } = await behindProxy(stack, (socket) => socket.write(`HTTP/1.1 200 OK\r\n${answer}`));
    const client = await connectRaw(proxy.port);
    client.send(GET);
    await client.until('half');
    if (how === 'reset') clowder.sockets[0]?.resetAndDestroy();
    else if (how === 'end') clowder.sockets[0]?.end();
    else clowder.sockets[0]?.write(how);
    await client.closed;
    expect(client.received()).not.toMatch(/\r\n0\r\n/);
    expect(await watchedOne(proxy)).toMatchObject({ complete: false, error: { code } });
    client.socket.destroy();
  });

  it('that stalls in the middle of an answer is given up, and the client sees that the answer is incomplete', async () => {
    const { proxy } = await behindProxy(
      stack,
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'),
      {
        PROXY_IDLE_TIMEOUT_S: '0.3',
      },
    );
    const { text } = await exchangeRaw(proxy.port, GET);
    expect(text).toMatch(/half$/);
    expect(await watchedOne(proxy)).toMatchObject({ complete: false, error: { code: 'idle_timeout' } });
  });

  it('that stalls in the middle of an event stream is not given up', async () => {
    const { clowder, proxy } = await behindProxy(
      stack,
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n'),
      { PROXY_IDLE_TIMEOUT_S: '0.1', PROXY_FIRST_BYTE_TIMEOUT_S: '0.1' },
    );
    const client = await connectRaw(proxy.port);
    client.send(GET);
    await client.until('data: 1');
    // Another request runs into the same limit, so time has passed for both.
    const stalled = stack.use(await startRawServer(() => undefined));
    const other = stack.use(await startOwnProxy(stalled.url, { PROXY_FIRST_BYTE_TIMEOUT_S: '0.5' }));
    await exchangeRaw(other.port, GET);
    clowder.sockets[0]?.end('data: 2\n\n');
    expect(await client.closed).toBe('ended');
    expect(client.received()).toContain('data: 2\n\n');
    client.socket.destroy();
  });

  it('that sends more than it announced passes on only the announced part, and its connection is not reused', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('\r\n\r\n')) socket.write(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
    });
    const client = await connectRaw(proxy.port);
    const keep = GET.replace('Connection: close\r\n', '');
    client.send(keep);
    await client.until('ok');
    client.send(GET);
    await client.closed;
    expect(client.received().match(/ok|evil/g)).toEqual(['ok', 'ok']);
    expect(clowder.sockets).toHaveLength(2);
    expect(proxy.running.stats.excess).toBe(2);
    client.socket.destroy();
  });

  it('that answers before the upload is over is heard, whether it reads on or not', async () => {
    for (const reads of [true, false]) {
      let size = 0;
      const { proxy } = await behindProxy(stack, (socket, text) => {
        if (size === 0) socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno');
        size = text.length;
        if (!reads) socket.end();
      });
      const client = await connectRaw(proxy.port);
      client.send(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${LARGE}\r\nConnection: close\r\n\r\n`);
      await client.until('no');
      client.socket.write(Buffer.alloc(LARGE));
      await client.closed;
      expect(client.received()).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
      client.socket.destroy();
    }
  });
});

describe('a client', () => {
  it('that leaves in the middle of its download ends it at Clowder, and the download is not complete', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n`);
      socket.write(Buffer.alloc(LARGE));
    });
    const client = await connectRaw(proxy.port);
    client.send(GET);
    await client.until((text) => text.length > 100_000);
    client.socket.destroy();
    const { complete, error, events } = (await watchedOne(proxy)) ?? {};
    expect({ complete, error }).toEqual({ complete: false, error: undefined });
    expect(events).toMatchObject([{ type: 'view.download', attributes: { 'clowder.download.complete': false } }]);
    await waitFor(() => clowder.sockets[0]?.destroyed, { what: 'the end at Clowder' });
    expect(proxy.running.stats.clientsLeft).toBe(1);
  });

  it('that leaves in the middle of its upload never looks to Clowder as if it had sent everything', async () => {
    for (const framing of ['Content-Length: 1000', 'Transfer-Encoding: chunked']) {
      const { clowder, proxy } = await behindProxy(stack, () => undefined);
      const client = await connectRaw(proxy.port);
      client.send(`POST / HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n4\r\nhalf\r\n`);
      await waitFor(() => clowder.received[0]?.includes('half'), { what: 'the first half at Clowder' });
      client.socket.destroy();
      await waitFor(() => clowder.sockets[0]?.destroyed || clowder.sockets[0]?.readableEnded, {
        what: 'the end at Clowder',
      });
      expect(clowder.received[0]).not.toMatch(/0\r\n\r\n$/);
      expect(await watchedOne(proxy)).toMatchObject({ complete: false });
    }
  });

  it('that leaves before the answer ends its request at Clowder', async () => {
    const { clowder, proxy } = await behindProxy(stack, () => undefined);
    const client = await connectRaw(proxy.port);
    client.send(GET);
    await waitFor(() => clowder.received[0]?.endsWith('\r\n\r\n'), { what: 'the request at Clowder' });
    client.socket.destroy();
    await waitFor(() => clowder.sockets[0]?.destroyed || clowder.sockets[0]?.readableEnded, {
      what: 'the end at Clowder',
    });
    expect(await watchedOne(proxy)).toMatchObject({ complete: false, events: [] });
  });

  it('that leaves with several requests in one go ends the current one, and the others never begin', async () => {
    const { clowder, proxy } = await behindProxy(stack, () => undefined);
    const client = await connectRaw(proxy.port);
    client.send(GET.replace('Connection: close\r\n', '').repeat(3));
    await waitFor(() => clowder.received[0]?.endsWith('\r\n\r\n'), { what: 'the first request at Clowder' });
    client.socket.destroy();
    await waitFor(() => clowder.sockets[0]?.destroyed || clowder.sockets[0]?.readableEnded, {
      what: 'the end at Clowder',
    });
    expect(await watchedOne(proxy)).toMatchObject({ complete: false });
    expect(clowder.received).toHaveLength(1);
    expect(proxy.running.stats.inFlight).toBe(0);
  });

  it('that leaves after its answer does not disturb another client that now uses its connection to Clowder', async () => {
    const clowder = stack.use(await startRawServer((socket, text) => text.endsWith('GO\r\n\r\n') && socket.write(OK)));
    const upstream = createUpstream({
      host: '127.0.0.1', port: clowder.port, tls: undefined, maxHeadBytes: 65_536, connectTimeoutMs: 0, firstByteTimeoutMs: 0,
      idleTimeoutMs: 0, maxConnections: 0, keepAliveMs: 60_000, onExcess: () => undefined,
    }); // prettier-ignore
    stack.defer(() => upstream.close());
    const first = new Asking('GET / GO\r\n\r\n');
    upstream.acquire(first, false);
    await waitFor(() => first.told.includes('end'), { what: 'the first answer' });
    const second = new Asking('GET / wait\r\n\r\n');
    upstream.acquire(second, false);
    first.connection?.abandon(first);
    second.connection?.write('GO\r\n\r\n');
    await waitFor(() => second.told.includes('end'), { what: 'the second answer' });
    expect(clowder.sockets).toHaveLength(1);
  });

  it('with a header of 10 MB gets 431, and other clients notice nothing', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket) => socket.write(OK));
    const client = await connectRaw(proxy.port);
    client.send(`GET / HTTP/1.1\r\nHost: h\r\nX-Large: ${'x'.repeat(10 * 1024 * 1024)}\r\n\r\n`);
    await client.closed;
    expect(client.received()).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/);
    client.socket.destroy();
    expect(clowder.received).toEqual([]);
    expect((await exchangeRaw(proxy.port, GET)).text).toMatch(/ok$/);
  });

  it('with a header of 60 KB, or three thousand headers, is served', async () => {
    const { clowder, proxy } = await behindProxy(
      stack,
      (socket, text) => text.endsWith('\r\n\r\n') && socket.write(OK),
    );
    const lines = Array.from({ length: 3000 }, (_, index) => `X-${index}: 1\r\n`).join('');
    for (const header of [`X: ${'x'.repeat(60_000)}\r\n`, lines]) {
      const { text } = await exchangeRaw(proxy.port, GET.replace('Host: h\r\n', `Host: h\r\n${header}`));
      expect(text).toMatch(/ok$/);
      expect(clowder.received.at(-1)).toContain(header);
    }
  });

  it('that sends its head byte by byte gets 408', async () => {
    const { clowder, proxy } = await behindProxy(stack, () => undefined, { PROXY_HEADERS_TIMEOUT_S: '0.5' });
    const client = await connectRaw(proxy.port);
    const drops = setInterval(() => client.send('x'), 50);
    client.send('GET / HTTP/1.1\r\nHost: h\r\nX: ');
    await client.closed;
    clearInterval(drops);
    expect(client.received()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(clowder.received).toEqual([]);
    client.socket.destroy();
  });

  it('that stops in the middle of its upload gets 408, and Clowder is not blamed', async () => {
    const { proxy } = await behindProxy(stack, () => undefined, { PROXY_IDLE_TIMEOUT_S: '0.3' });
    const client = await connectRaw(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf');
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    client.socket.destroy();
    expect(await watchedOne(proxy)).toMatchObject({
      error: undefined,
      attributes: { 'http.response.status_code': 408 },
    });
  });

  it('that only connects, or sends something other than HTTP, disturbs no other client', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket) => socket.write(OK));
    const silent = await connectRaw(proxy.port);
    expect((await exchangeRaw(proxy.port, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')).text).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    expect((await exchangeRaw(proxy.port, GET)).text).toMatch(/ok$/);
    expect(clowder.sockets).toHaveLength(1);
    silent.socket.destroy();
  });

  it('over the connection limit is turned away', async () => {
    const { proxy } = await behindProxy(stack, (socket) => socket.write(OK), { PROXY_MAX_CONNECTIONS: '1' });
    const first = await connectRaw(proxy.port);
    first.send(GET.replace('Connection: close\r\n', ''));
    await first.until('ok');
    const second = connect(proxy.port, '127.0.0.1');
    await new Promise((resolve) => second.once('close', resolve).on('error', () => undefined));
    first.socket.destroy();
  });
});

describe('a proxy that stops', () => {
  it('finishes what is in flight, and accepts nothing new', async () => {
    let answer: () => void = () => undefined;
    const { proxy } = await behindProxy(
      stack,
      (socket) => {
        answer = () => void socket.write(OK);
      },
      { PROXY_DRAIN_S: '5' },
    );
    const idle = await connectRaw(proxy.port);
    const client = await connectRaw(proxy.port);
    client.send(GET.replace('Connection: close\r\n', ''));
    await waitFor(() => proxy.running.stats.inFlight === 1, { what: 'the request to be in flight' });
    const stopped = proxy.running.stop();
    expect(await idle.closed).toBe('ended');
    await expect(connectRaw(proxy.port)).rejects.toThrow('ECONNREFUSED');
    answer();
    expect(await client.closed).toBe('ended');
    expect(client.received()).toMatch(/Connection: close\r\n\r\nok$/);
    await stopped;
    expect(proxy.watched).toMatchObject([{ complete: true }]);
    idle.socket.destroy();
    client.socket.destroy();
  });

  it('does not keep a connection open for further requests if its answer had begun before the stop', async () => {
    const { clowder, proxy } = await behindProxy(
      stack,
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf'),
      { PROXY_DRAIN_S: '9' },
    );
    const client = await connectRaw(proxy.port);
    client.send(GET.replace('Connection: close\r\n', ''));
    await client.until('half');
    const stopping = performance.now();
    const stopped = proxy.running.stop();
    clowder.sockets[0]?.write('half');
    await stopped;
    expect(performance.now() - stopping).toBeLessThan(8500);
    expect(client.received()).toMatch(/halfhalf$/);
    client.socket.destroy();
  });

  it('cuts off what takes longer than the drain time', async () => {
    const { proxy } = await behindProxy(stack, (socket) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    );
    const client = await connectRaw(proxy.port);
    client.send(GET);
    await client.until('half');
    await proxy.running.stop();
    await client.closed;
    expect(await watchedOne(proxy)).toMatchObject({ complete: false });
    client.socket.destroy();
  });
});
