import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { behindProxy, startOwnProxy, type OwnProxy } from '../support/own-proxy.ts';
import { connectRaw, exchangeRaw } from '../support/raw-http.ts';
import { waitFor } from '../support/wait-for.ts';

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
const put = (path: string, body: string): string =>
  `PUT ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const answersOf = (text: string): string[] => text.split(/(?=HTTP\/1\.1 )/).slice(text.startsWith('HTTP') ? 0 : 1);

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return address.port;
}

async function over({ watched }: OwnProxy, count = 1): Promise<OwnProxy['watched']> {
  await waitFor(() => watched.length >= count, { what: `${count} requests to be over` });
  return watched;
}

describe('requests sent without waiting for answers', () => {
  it('reach Clowder one after the other, in order, on one connection', async () => {
    const seen: string[] = [];
    let underWay = 0;
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (!text.endsWith('body')) return;
      underWay += 1;
      expect(underWay).toBe(1);
      seen.push(/.*PUT (\S+) /s.exec(text)?.[1] ?? '');
      setImmediate(() => {
        underWay -= 1;
        socket.write(OK);
      });
    });
    const client = await connectRaw(proxy.port);
    const paths = Array.from({ length: 50 }, (_, index) => `/${index}`);
    client.send(paths.map((path) => put(path, 'body')).join(''));
    await client.until((text) => answersOf(text).length === paths.length && text.endsWith('ok'));
    client.socket.destroy();
    expect(seen).toEqual(paths);
    expect(clowder.sockets).toHaveLength(1);
  });

  it('are all answered, however many they are, and are read no faster than they are answered', async () => {
    const REQUESTS = 600;
    let answer = (): void => undefined;
    const clowder = createServer((request, response) => {
      if (request.url === '/first') answer = () => void response.end('ok');
      else response.end('ok');
    }).listen(0, '127.0.0.1');
    await once(clowder, 'listening');
    stack.defer(() => void clowder.close());
    const proxy = stack.use(await startOwnProxy(`http://127.0.0.1:${portOf(clowder)}`, { PROXY_DRAIN_S: '0.2' }));
    const client = await connectRaw(proxy.port);
    const all = get('/', `X-Fill: ${'x'.repeat(30_000)}\r\n`).repeat(REQUESTS);
    client.send(get('/first') + all);
    await waitFor(() => proxy.running.stats.inFlight === 1, { what: 'the first request' });
    const other = await exchangeRaw(proxy.port, get('/innocent', 'Connection: close\r\n'));
    expect(other.text).toMatch(/ok$/);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(proxy.running.stats.inFlight).toBe(1);
    answer();
    await waitFor(() => proxy.watched.length === REQUESTS + 2, { what: 'all to be answered' });
    client.socket.destroy();
  });

  it('end with one for another protocol, which waits for those before it', async () => {
    let answer = (): void => undefined;
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.startsWith('GET /slow')) answer = () => void socket.write(OK);
      else socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello');
    });
    const client = await connectRaw(proxy.port);
    client.send(get('/slow') + get('/socket', 'Connection: Upgrade\r\nUpgrade: x\r\n'));
    await waitFor(() => clowder.received[0]?.endsWith('\r\n\r\n'), { what: 'the first request at Clowder' });
    answer();
    const text = await client.until('hello');
    expect(answersOf(text).map((one) => one.slice(0, 12))).toEqual(['HTTP/1.1 200', 'HTTP/1.1 101']);
    client.socket.destroy();
  });
});

describe('what follows a request and is not one', () => {
  it.each([
    ['garbage', '\0\x01\x02 garbage\r\n\r\n'],
    ['the beginning of a request that breaks off', 'GET / HT\r\n'],
    ['a request with an invalid length', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n'],
  ])('(%s) leaves the upload before it its own answer, and ends the connection', async (_name, garbage) => {
    let answer = (): void => undefined;
    const { proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('body')) answer = () => void socket.write(OK);
    });
    const client = await connectRaw(proxy.port);
    client.send(put('/upload', 'body') + garbage);
    await waitFor(() => proxy.running.stats.refused.get('400') === 1, { what: 'the garbage to be seen' });
    answer();
    await client.closed;
    expect(answersOf(client.received())).toHaveLength(1);
    expect(client.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*ok$/s);
    client.socket.destroy();
  });

  it('(garbage) leaves all requests before it their answers', async () => {
    const { proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('\r\n\r\n')) socket.write(OK);
    });
    const client = await connectRaw(proxy.port);
    client.send(`${get('/1')}${get('/2')}${get('/3')}nonsense\r\n\r\n`);
    await client.closed;
    expect(answersOf(client.received()).map((one) => one.slice(0, 12))).toEqual(Array(3).fill('HTTP/1.1 200'));
    client.socket.destroy();
  });
});

describe('a CONNECT behind an upload', () => {
  it('leaves the upload its own answer, and is then refused', async () => {
    const due: (() => void)[] = [];
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('hello')) due.push(() => socket.write(OK));
    });
    const client = await connectRaw(proxy.port);
    const upload = 'PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello';
    client.send(`${upload}CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n`);
    (await waitFor(() => due[0], { what: 'the upload at Clowder' }))();
    await client.closed;
    expect(client.received().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 405']);
    expect(clowder.received.join('')).not.toContain('CONNECT');
    client.socket.destroy();
  });
});

describe('clients with one address', () => {
  it('may have only a limited number of requests at once, and other addresses do not wait for theirs', async () => {
    const waiting: (() => void)[] = [];
    const { clowder, proxy } = await behindProxy(
      stack,
      (socket, text) => {
        if (text.endsWith('\r\n\r\n')) waiting.push(() => void socket.write(OK));
      },
      { PROXY_MAX_REQUESTS_PER_ADDRESS: '2', PROXY_X_FORWARDED: 'append' },
    );
    const ask = (address: string) =>
      exchangeRaw(proxy.port, get('/', `X-Forwarded-For: ${address}\r\nConnection: close\r\n`));
    const many = Array.from({ length: 5 }, () => ask('192.0.2.1'));
    await waitFor(() => waiting.length === 2, { what: 'two of them at Clowder' });
    const other = ask('192.0.2.2');
    await waitFor(() => waiting.length === 3, { what: "the other's at Clowder" });
    expect(clowder.received.at(-1)).toContain('192.0.2.2');
    for (let served = 0; served < 6; served++) {
      await waitFor(() => waiting.length > 0, { what: 'the next one' });
      waiting.shift()?.();
    }
    for (const { text } of await Promise.all([...many, other])) expect(text).toMatch(/ok$/);
    expect(proxy.running.stats.inFlight).toBe(0);
  });

  it('are told that they have too many if none of them ends in time', async () => {
    const { proxy } = await behindProxy(stack, () => undefined, {
      PROXY_MAX_REQUESTS_PER_ADDRESS: '1',
      PROXY_FIRST_BYTE_TIMEOUT_S: '0.4',
      PROXY_IDLE_TIMEOUT_S: '60',
    });
    const upload = await connectRaw(proxy.port);
    upload.send('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf');
    await waitFor(() => proxy.running.stats.inFlight === 1, { what: 'the first' });
    const { text } = await exchangeRaw(proxy.port, get('/', 'Connection: close\r\n'));
    expect(text).toMatch(/^HTTP\/1\.1 503 /);
    expect((await over(proxy))[0]).toMatchObject({ error: { code: 'busy' } });
    upload.socket.destroy();
    await over(proxy, 2);
  });

  it('that leave while they wait leave no slot occupied', async () => {
    const waiting: (() => void)[] = [];
    const { proxy } = await behindProxy(
      stack,
      (socket, text) => {
        if (text.endsWith('\r\n\r\n')) waiting.push(() => void socket.write(OK));
      },
      { PROXY_MAX_REQUESTS_PER_ADDRESS: '1' },
    );
    const first = exchangeRaw(proxy.port, get('/', 'Connection: close\r\n'));
    await waitFor(() => waiting.length === 1, { what: 'the first' });
    const second = await connectRaw(proxy.port);
    second.send(get('/'));
    await waitFor(() => proxy.running.stats.inFlight === 2, { what: 'the second' });
    second.socket.destroy();
    await over(proxy);
    waiting.shift()?.();
    expect((await first).text).toMatch(/ok$/);
    const third = exchangeRaw(proxy.port, get('/', 'Connection: close\r\n'));
    await waitFor(() => waiting.length === 1, { what: 'the third' });
    waiting.shift()?.();
    expect((await third).text).toMatch(/ok$/);
  });

  it('may have only a limited number of connections', async () => {
    const { proxy } = await behindProxy(stack, (socket) => socket.write(OK), {
      PROXY_MAX_CONNECTIONS_PER_ADDRESS: '2',
    });
    const [first, second] = [await connectRaw(proxy.port), await connectRaw(proxy.port)];
    for (const client of [first, second]) {
      client.send(get('/'));
      await client.until('ok');
    }
    const third = await connectRaw(proxy.port);
    await third.closed;
    expect(proxy.running.stats.connectionsRefused).toBe(1);
    first.socket.destroy();
    await waitFor(
      async () => {
        const again = await connectRaw(proxy.port);
        again.send(get('/', 'Connection: close\r\n'));
        await again.closed;
        again.socket.destroy();
        return again.received().endsWith('ok');
      },
      { what: 'room for another' },
    );
    second.socket.destroy();
    third.socket.destroy();
  });
});

describe('a client that leaves', () => {
  const ID = '64a1f0c2e4b0d3a9c8f7b6a5';
  const UPLOADED = `{"id":"${ID}"}`;
  const FORM = '--B\r\nContent-Disposition: form-data; name="File"; filename="data.csv"\r\n\r\na,b,c\r\n--B--\r\n';
  const UPLOAD =
    'POST /api/uploadToDataset/64a1f0c2e4b0d3a9c8f7b6a0 HTTP/1.1\r\nHost: h\r\n' +
    `Content-Type: multipart/form-data; boundary=B\r\nContent-Length: ${FORM.length}\r\n\r\n${FORM}`;

  it('behind an upload that Clowder has received still makes its event', async () => {
    let answer = (): void => undefined;
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('--B--\r\n'))
        answer = () =>
          void socket.write(
            `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${UPLOADED.length}\r\n\r\n${UPLOADED}`,
          );
    });
    const client = await connectRaw(proxy.port);
    client.send(UPLOAD);
    await waitFor(() => clowder.received[0]?.endsWith('--B--\r\n'), { what: 'the upload at Clowder' });
    client.socket.destroy();
    await waitFor(() => proxy.running.stats.clientsLeft === 1, { what: 'the client to have left' });
    expect(proxy.watched).toEqual([]);
    answer();
    const [watched] = await over(proxy);
    expect(watched).toMatchObject({
      complete: false,
      attributes: { 'http.response.status_code': 200 },
      events: [{ type: 'file.uploaded', attributes: { 'clowder.file.id': ID, 'clowder.file.name': 'data.csv' } }],
    });
    expect(proxy.running.stats.inFlight).toBe(0);
  });

  it('behind an upload that Clowder then fails makes no event', async () => {
    const { clowder, proxy } = await behindProxy(stack, () => undefined);
    const client = await connectRaw(proxy.port);
    client.send(UPLOAD);
    await waitFor(() => clowder.received[0]?.endsWith('--B--\r\n'), { what: 'the upload at Clowder' });
    client.socket.destroy();
    await waitFor(() => proxy.running.stats.clientsLeft === 1, { what: 'the client to have left' });
    clowder.sockets[0]?.destroy();
    expect((await over(proxy))[0]).toMatchObject({ complete: false, events: [] });
    expect(proxy.running.stats.inFlight).toBe(0);
  });

  it('in the middle of an upload ends it at Clowder', async () => {
    const { clowder, proxy } = await behindProxy(stack, () => undefined);
    const client = await connectRaw(proxy.port);
    client.send(UPLOAD.slice(0, -10));
    await waitFor(() => clowder.received[0]?.includes('data.csv'), { what: 'the upload at Clowder' });
    client.socket.destroy();
    expect((await over(proxy))[0]).toMatchObject({ complete: false, events: [] });
    await waitFor(() => clowder.sockets[0]?.destroyed || clowder.sockets[0]?.readableEnded, { what: 'the end' });
  });
});

describe('answers sent before the upload ends', () => {
  it("leave nothing behind on the client's connection", async () => {
    const { proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('early')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    stack.defer(() => void process.off('warning', warn));
    const client = await connectRaw(proxy.port);
    // Node warns at the eleventh listener.
    for (let round = 1; round <= 15; round++) {
      client.send('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nearly');
      await client.until((text) => answersOf(text).length === round && text.endsWith('ok'));
      client.send('late');
    }
    await over(proxy, 15);
    await immediate();
    expect(warnings).toEqual([]);
    client.socket.destroy();
  });
});

describe('informational answers', () => {
  it('that never end are cut off, and the client learns that', async () => {
    const { proxy } = await behindProxy(stack, (socket) => {
      const flood = 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000);
      const pour = (): void => {
        while (!socket.destroyed && socket.write(flood));
        if (!socket.destroyed) socket.once('drain', pour);
      };
      pour();
    });
    const { text } = await exchangeRaw(proxy.port, get('/', 'Connection: close\r\n'));
    expect(text).toMatch(/HTTP\/1\.1 502 Bad Gateway\r\n.*\n$/s);
    expect(text.length).toBeLessThan(70_000);
    expect((await over(proxy))[0]).toMatchObject({ error: { code: 'malformed_response' } });
  });
});
