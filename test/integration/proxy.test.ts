import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { behindProxy, startOwnProxy, TRACEPARENT } from '../support/own-proxy.ts';
import { connectRaw, exchangeRaw, type OnBytes } from '../support/raw-http.ts';
import { waitFor } from '../support/wait-for.ts';

let stack: AsyncDisposableStack;

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

/** Answers every request without a body once its head is complete. */
const answering =
  (answer: string): OnBytes =>
  (socket, text) => {
    if (text.endsWith('\r\n\r\n')) socket.write(answer, 'latin1');
  };

/** A head, and what follows it. */
function split(text: string): [string, string] {
  const end = text.indexOf('\r\n\r\n');
  return [text.slice(0, end + 4), text.slice(end + 4)];
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET = 'GET / HTTP/1.1\r\nHost: clowder.test\r\n\r\n';
const GET_CLOSE = 'GET / HTTP/1.1\r\nHost: clowder.test\r\nConnection: close\r\n\r\n';

describe('bytes pass the proxy', () => {
  it('unchanged: target, and names, order, duplicates and odd bytes of headers, both ways', async () => {
    const answer =
      'HTTP/1.1 299 Sehr gut \xe4\r\nset-cookie: a=1\r\nX-Odd:  \xff\xa0 x\r\nSet-Cookie: b=2\r\nDATE: never\r\nContent-Length: 3\r\n\r\n\x00\xff\n';
    const { clowder, proxy } = await behindProxy(stack, answering(answer));
    const { text } = await exchangeRaw(
      proxy.port,
      'GET /a%2Fb/../%zz//?q=%C3%A4&key=x HTTP/1.1\r\nhOST: clowder.test\r\nx-b: 1\r\nCookie: \xe4=1\r\nX-B: 2\r\nConnection: close\r\n\r\n',
    );
    expect(clowder.received).toEqual([
      'GET /a%2Fb/../%zz//?q=%C3%A4&key=x HTTP/1.1\r\nhOST: clowder.test\r\nx-b: 1\r\nCookie: \xe4=1\r\nX-B: 2\r\n' +
        'X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: clowder.test\r\n' +
        `traceparent: ${TRACEPARENT}\r\n\r\n`,
    ]);
    expect(text).toBe(
      'HTTP/1.1 299 Sehr gut \xe4\r\nset-cookie: a=1\r\nX-Odd: \xff\xa0 x\r\nSet-Cookie: b=2\r\nDATE: never\r\nContent-Length: 3\r\n' +
        'Connection: close\r\n\r\n\x00\xff\n',
    );
  });

  it('in chunks, with trailers, both ways', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (!text.endsWith('X-Sum: 9\r\n\r\n')) return;
      socket.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Md5\r\n\r\n2;a=b\r\nok\r\n0\r\nX-Md5: 7\r\n\r\n',
      );
    });
    const { text } = await exchangeRaw(
      proxy.port,
      'POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n' +
        '5\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 9\r\n\r\n',
    );
    const [head, body] = split(clowder.received[0] ?? '');
    expect(head).toContain('Trailer: X-Sum\r\n');
    expect(head).toContain('\r\nTransfer-Encoding: chunked\r\n');
    expect(body).toBe('5\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 9\r\n\r\n');
    const [answerHead, answer] = split(text);
    expect(answerHead).toContain('Trailer: X-Md5\r\n');
    expect(answer).toBe('2\r\nok\r\n0\r\nX-Md5: 7\r\n\r\n');
  });

  it('with the announced length, in one upload', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('\x00\xffend')) socket.write(OK);
    });
    const { text } = await exchangeRaw(
      proxy.port,
      'PUT /f HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\x00\xffend',
    );
    const [head, body] = split(clowder.received[0] ?? '');
    expect(head).toContain('\r\nContent-Length: 5\r\n');
    expect(head).not.toContain('Transfer-Encoding');
    expect(body).toBe('\x00\xffend');
    expect(split(text)[1]).toBe('ok');
  });

  it.each([
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', 'Content-Length: 1234'],
    ['GET', 'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n', 'X-A: b'],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n', 'Content-Length: 99'],
  ])('without a body if %s gets %j, and the connections stay usable', async (method, answer, header) => {
    const { clowder, proxy } = await behindProxy(stack, answering(answer));
    const client = await connectRaw(proxy.port);
    client.send(`${method} /1 HTTP/1.1\r\nHost: h\r\n\r\n`);
    await client.until('\r\n\r\n');
    client.send(`${method} /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    expect(await client.closed).toBe('ended');
    const answers = client.received().split(/(?=HTTP\/1\.1)/);
    expect(answers).toHaveLength(2);
    for (const one of answers) {
      expect(one).toContain(header);
      expect(split(one)[1]).toBe('');
    }
    expect(clowder.sockets).toHaveLength(1);
    client.socket.destroy();
  });

  it('as the range that was asked for', async () => {
    const answer = 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde';
    const { clowder, proxy } = await behindProxy(stack, answering(answer));
    const { text } = await exchangeRaw(proxy.port, GET_CLOSE.replace('\r\n\r\n', '\r\nRange: bytes=2-4\r\n\r\n'));
    expect(clowder.received[0]).toContain('Range: bytes=2-4\r\n');
    expect(text).toContain('HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\n');
    expect(split(text)[1]).toBe('cde');
  });

  it('to an HTTP/1.0 client without chunks, until the end of the connection', async () => {
    const { proxy } = await behindProxy(
      stack,
      answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\n\r\n'),
    );
    const { text, how } = await exchangeRaw(proxy.port, 'GET /x HTTP/1.0\r\n\r\n');
    expect(how).toBe('ended');
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok');
  });

  it('from an HTTP/1.0 Clowder, whose end of connection ends the answer', async () => {
    const { proxy } = await behindProxy(stack, (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nto the end'));
    const { text, how } = await exchangeRaw(proxy.port, GET_CLOSE);
    expect(how).toBe('ended');
    expect(split(text)[1]).toBe('a\r\nto the end\r\n0\r\n\r\n');
  });

  it('in the order of the requests if these are sent without waiting', async () => {
    const { proxy } = await behindProxy(stack, (socket, text) => {
      const path = /GET (\S+) /.exec(text.slice(text.lastIndexOf('GET')))?.[1] ?? '';
      const answer = (): void => void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${path}`);
      // The first is answered last.
      if (path === '/1') setTimeout(answer, 100);
      else answer();
    });
    const one = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
    const client = await connectRaw(proxy.port);
    client.send(one('/1') + one('/2') + one('/3'));
    const text = await client.until('/3');
    expect(text.split(/(?=HTTP\/1\.1)/).map((answer) => split(answer)[1])).toEqual(['/1', '/2', '/3']);
    client.socket.destroy();
  });

  it('to the host of a target in absolute form', async () => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    await exchangeRaw(proxy.port, 'GET http://other.test/x?y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
    expect(clowder.received[0]).toMatch(/^GET \/x\?y HTTP\/1\.1\r\nHost: other\.test\r\n/);
  });
});

describe('what comes before an answer', () => {
  it('is passed on: 100 only when Clowder sends it, and other 1xx with their headers', async () => {
    let upstream: Socket | undefined;
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      upstream = socket;
      if (text.endsWith('body!')) socket.write(OK);
    });
    const client = await connectRaw(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n');
    await waitFor(() => clowder.received[0]?.includes('Expect: 100-continue\r\n'), { what: 'the head at Clowder' });
    expect(client.received()).toBe('');
    upstream?.write(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: </b.js>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n',
    );
    await client.until('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('body!');
    expect(await client.closed).toBe('ended');
    expect(client.received()).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nlink: </b.js>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n' +
        OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    client.socket.destroy();
  });

  it('has no 100 if Clowder refuses an announced body', async () => {
    const { clowder, proxy } = await behindProxy(
      stack,
      answering('HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n'),
    );
    const client = await connectRaw(proxy.port);
    client.send('POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n');
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 413 Too Large\r\n/);
    client.socket.destroy();
    await waitFor(() => clowder.sockets[0]?.destroyed === true || clowder.sockets[0]?.readableEnded, {
      what: 'the end at Clowder',
    });
    expect(clowder.received[0]).not.toContain('\r\n\r\n\r\n');
  });
});

describe('a slow answer', () => {
  it('comes piece by piece as Clowder sends it, head first', async () => {
    let send: (text: string) => void = () => undefined;
    const { proxy } = await behindProxy(stack, (socket) => {
      send = (text) => void socket.write(text);
      send('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
    });
    const client = await connectRaw(proxy.port);
    client.send(GET);
    await client.until('\r\n\r\n');
    send('9\r\ndata: 1\n\n\r\n');
    await client.until('data: 1\n\n');
    send('9\r\ndata: 2\n\n\r\n');
    await client.until('data: 2\n\n');
    client.socket.destroy();
  });

  it('is read from Clowder no faster than the client reads it', async () => {
    const size = 64 * 1024 * 1024;
    let written = 0;
    const piece = Buffer.alloc(64 * 1024, 'x');
    const { proxy } = await behindProxy(stack, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const more = (): void => {
        while (written < size) {
          written += piece.length;
          if (!socket.write(piece)) return void socket.once('drain', more);
        }
      };
      more();
    });
    const client = await connectRaw(proxy.port);
    client.socket.pause();
    client.send(GET_CLOSE);
    await standsStill(() => written);
    // Less the buffers of three sockets in the kernel, and the high-water marks between them.
    expect(written).toBeLessThan(size / 2);
    let received = 0;
    client.socket
      .removeAllListeners('data')
      .on('data', (chunk) => (received += chunk.length))
      .resume();
    await client.closed;
    expect(received).toBeGreaterThan(size);
  });

  it('does not stop a slow request: it is read no faster than Clowder reads it', async () => {
    const size = 64 * 1024 * 1024;
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('\r\n\r\n')) socket.pause();
    });
    const client = await connectRaw(proxy.port);
    client.send(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n`);
    await waitFor(() => clowder.sockets[0]?.isPaused(), { what: 'Clowder to stop reading' });
    const piece = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    const more = (): void => {
      while (sent < size) {
        sent += piece.length;
        if (!client.socket.write(piece)) return void client.socket.once('drain', more);
      }
    };
    more();
    await standsStill(() => sent);
    expect(sent).toBeLessThan(size / 2);
    let received = 0;
    const [upstream] = clowder.sockets;
    upstream?.removeAllListeners('data').on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (received === size) upstream.write(OK);
    });
    upstream?.resume();
    await client.until('ok');
    client.socket.destroy();
  });
});

/** Waits until a number has stayed the same for half a second. */
async function standsStill(read: () => number): Promise<void> {
  let last = -1;
  let since = performance.now();
  await waitFor(
    () => {
      const now = read();
      if (now !== last) {
        last = now;
        since = performance.now();
      }
      return now > 0 && performance.now() - since > 500;
    },
    { what: 'nothing to move any more' },
  );
}

describe('connections to Clowder', () => {
  it('are kept and reused', async () => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    for (let i = 0; i < 5; i++) await exchangeRaw(proxy.port, GET_CLOSE);
    expect(clowder.sockets).toHaveLength(1);
  });

  it('are kept no longer than Clowder says', async () => {
    const { clowder, proxy } = await behindProxy(
      stack,
      answering('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n'),
      { PROXY_TARGET_KEEP_ALIVE_S: '60' },
    );
    await exchangeRaw(proxy.port, GET_CLOSE);
    await waitFor(() => clowder.sockets[0]?.readableEnded, {
      what: 'the free connection to be closed',
      timeoutMs: 5000,
    });
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])(
    'that close just as they are reused cost a %s nothing: it is sent again',
    async (method) => {
      const { clowder, proxy } = await behindProxy(stack, closesKeptConnections);
      await exchangeRaw(proxy.port, GET_CLOSE);
      const length = method === 'PUT' ? 'Content-Length: 0\r\n' : '';
      const { text } = await exchangeRaw(
        proxy.port,
        `${method} / HTTP/1.1\r\nHost: h\r\n${length}Connection: close\r\n\r\n`,
      );
      expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(clowder.sockets).toHaveLength(2);
      expect(proxy.running.stats.retried).toBe(1);
    },
  );

  it.each([
    ['POST', 'Content-Length: 0\r\n', ''],
    ['PUT', 'Content-Length: 4\r\n', 'body'],
  ])('that close just as they are reused fail a %s that Clowder may have received', async (method, header, body) => {
    const { clowder, proxy } = await behindProxy(stack, closesKeptConnections);
    await exchangeRaw(proxy.port, GET_CLOSE);
    const { text } = await exchangeRaw(
      proxy.port,
      `${method} / HTTP/1.1\r\nHost: h\r\n${header}Connection: close\r\n\r\n${body}`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect(clowder.sockets).toHaveLength(1);
  });

  it('are limited in number: further requests wait for one', async () => {
    let waiting: (() => void)[] = [];
    const { clowder, proxy } = await behindProxy(
      stack,
      (socket, text) => {
        if (text.endsWith('\r\n\r\n')) waiting.push(() => void socket.write(OK));
      },
      { PROXY_MAX_TARGET_CONNECTIONS: '2' },
    );
    const answers = Array.from({ length: 5 }, () => exchangeRaw(proxy.port, GET_CLOSE));
    let served = 0;
    await waitFor(
      () => {
        // Never more than two at once.
        expect(waiting.length).toBeLessThanOrEqual(2);
        if (served < 4 && waiting.length < 2) return false;
        served += waiting.length;
        for (const answer of waiting.splice(0)) answer();
        return served === 5;
      },
      { what: 'all to be served' },
    );
    waiting = [];
    for (const { text } of await Promise.all(answers)) expect(text).toMatch(/ok$/);
    expect(clowder.sockets).toHaveLength(2);
  });
});

/** Answers a connection's first request and closes it at the second, like a server whose keep-alive time is over. */
const closesKeptConnections: OnBytes = (socket, text) => {
  const requests = text.split('HTTP/1.1\r\n').length - 1;
  if (requests > 1) socket.destroy();
  else if (text.endsWith('\r\n\r\n')) socket.write(text.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\n\r\n' : OK);
};

describe('a target in raw UTF-8', () => {
  const RAW = '/api/files/64a1f0c2e4b0d3a9c8f7b6a5?filename=\xc3\xa4&key=\xc3\xa9'; // as latin1

  it('reaches Clowder byte for byte, and the capture as a URL', async () => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    const { text } = await exchangeRaw(proxy.port, `GET ${RAW} HTTP/1.1\r\nHost: h\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*ok$/s);
    expect(clowder.received[0]?.startsWith(`GET ${RAW} HTTP/1.1\r\n`)).toBe(true);
    expect(proxy.watched).toMatchObject([
      {
        attributes: { 'http.response.status_code': 200 },
        events: [
          {
            type: 'view.download',
            attributes: { 'url.full': expect.stringContaining('?filename=%C3%A4&key=REDACTED') },
          },
        ],
      },
    ]);
  });

  it('passes on a connection that was used before, and with a body in pieces', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if ((text.endsWith('\r\n\r\n') && !text.includes('PUT')) || text.endsWith('body')) socket.write(OK);
    });
    const client = await connectRaw(proxy.port);
    client.send('GET /first HTTP/1.1\r\nHost: h\r\n\r\n');
    await client.until('ok');
    client.send('PUT /\xc3\xa4 HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbo');
    await waitFor(() => clowder.received[0]?.endsWith('bo'), { what: 'half of the body' });
    client.send('dy');
    await client.closed;
    expect(client.received().match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(clowder.received[0]).toContain('PUT /\xc3\xa4 HTTP/1.1\r\n');
    client.socket.destroy();
  });

  it.each([
    ['the head of another', 'GET /1 HTTP/1.1\r\nHost: h\r\n\r\n', 1],
    ['several', 'GET /1 HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(12), 12],
    ['a body of letters', 'PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nTARGET', 1],
    ['chunks', 'PUT /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n', 1],
  ])('passes behind %s that came with it, once that is answered', async (_what, before, count) => {
    // The answer before it is delayed: nothing may overtake it.
    const due: (() => void)[] = [];
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      const latest = text.split(/(?=(?:GET|PUT) \/)/).at(-1) ?? '';
      const isWhole = latest.startsWith('PUT') ? /(?:TARGET|0\r\n\r\n)$/ : /\r\n\r\n$/;
      if (isWhole.test(latest)) due.push(() => socket.write(OK));
    });
    const client = await connectRaw(proxy.port);
    client.send(`${before}GET ${RAW} HTTP/1.1\r\nHost: h\r\n\r\nGET /behind HTTP/1.1\r\nHost: h\r\n\r\n`);
    const told = () => clowder.received.join('');
    for (let turn = 0; turn <= count; turn += 1) {
      const answer = await waitFor(() => due.shift(), { what: `request ${turn} at Clowder` });
      if (turn < count) expect(told()).not.toContain(`GET ${RAW} `);
      answer();
    }
    await client.closed;
    expect(client.received().match(/HTTP\/1\.1 \d+/g)).toEqual(Array(count + 1).fill('HTTP/1.1 200'));
    expect(told().split(`GET ${RAW} HTTP/1.1\r\n`)).toHaveLength(2);
    expect(told()).not.toContain('/behind');
    expect(due).toEqual([]);
    client.socket.destroy();
  });

  it('passes even if its line comes in pieces', async () => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    const client = await connectRaw(proxy.port);
    const [begun, ...rest] = [
      RAW.slice(0, RAW.indexOf('=') + 3),
      RAW.slice(RAW.indexOf('=') + 3),
      ' HTTP/1.',
      '1\r\nHost: h\r\n',
      '\r\n',
    ];
    client.send(`GET ${begun}`);
    for (const piece of rest) {
      await setImmediate();
      client.send(piece);
    }
    await client.closed;
    expect(client.received()).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(clowder.received[0]?.startsWith(`GET ${RAW} HTTP/1.1\r\n`)).toBe(true);
    client.socket.destroy();
  });

  const LINE = `GET ${RAW} HTTP/1.1\r\nHost: h\r\n\r\n`;
  it.each([
    ['within the method', [2]],
    ['behind the method', [3]],
    ['before the first letter that is not ASCII', [LINE.indexOf('\xc3')]],
    ['within the path', [9]],
    ['at every byte', Array.from({ length: LINE.length - 1 }, (_, index) => index + 1)],
  ])('passes even behind another request if it is split %s', async (_where, cuts) => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    for (const before of ['', 'GET /first HTTP/1.1\r\nHost: h\r\n\r\n']) {
      const client = await connectRaw(proxy.port);
      client.socket.setNoDelay(true);
      const pieces = [...cuts, LINE.length].map((cut, index) => LINE.slice(cuts[index - 1] ?? 0, cut));
      for (const [index, piece] of pieces.entries()) {
        client.send(index === 0 ? before + piece : piece);
        for (let turn = 0; turn < 3; turn += 1) await setImmediate();
      }
      await client.closed;
      expect(client.received().match(/HTTP\/1\.1 \d+/g)).toEqual(Array(before === '' ? 1 : 2).fill('HTTP/1.1 200'));
      client.socket.destroy();
    }
    expect(clowder.received.join('').split(`GET ${RAW} HTTP/1.1\r\n`)).toHaveLength(3);
  });

  it('does not disturb others if its client leaves before it', async () => {
    const due: (() => void)[] = [];
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.startsWith('GET /2 ')) socket.end(OK);
      else if (text.endsWith('\r\n\r\n')) due.push(() => socket.write(OK));
    });
    const client = await connectRaw(proxy.port);
    client.send(`GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET ${RAW} HTTP/1.1\r\nHost: h\r\n\r\n`);
    await waitFor(() => due.length > 0, { what: 'the first request' });
    client.socket.destroy();
    await waitFor(() => proxy.watched.length === 1, { what: 'the end of the first' });
    due[0]?.();
    const { text } = await exchangeRaw(proxy.port, 'GET /2 HTTP/1.0\r\nHost: h\r\n\r\n');
    expect(text).toMatch(/ok$/);
    expect(clowder.received.join('')).not.toContain(RAW);
  });

  it.each([
    'GET /a b\xc3\xa4 HTTP/1.1',
    'GET \xc3\xa4 HTTP/1.1',
    'GET /\xc3\xa4 HTTP/2.0',
    'GET /\xc3\x01 HTTP/1.1',
    '\xc3\xa4 / HTTP/1.1',
  ])('is refused if it is malformed: %j', async (line) => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    const { text } = await exchangeRaw(proxy.port, `${line}\r\nHost: h\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(clowder.received).toEqual([]);
  });
});

describe('a request that two parties could read differently is refused, and Clowder never sees it:', () => {
  it.each([
    ['length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 400],
    ['chunks and length', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', 400],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n', 400],
    ['the same length twice', 'Content-Length: 5\r\nContent-Length: 5\r\n', 400],
    ['a list of lengths', 'Content-Length: 5, 5\r\n', 400],
    ['a signed length', 'Content-Length: +5\r\n', 400],
    ['another coding', 'Transfer-Encoding: xchunked\r\n', 501],
    ['chunked not last', 'Transfer-Encoding: chunked, identity\r\n', 400],
    ['a coding before chunked', 'Transfer-Encoding: gzip, chunked\r\n', 501],
    ['two hosts', 'Host: other.test\r\n', 400],
    ['white space before a colon', 'Content-Length : 5\r\n', 400],
    ['a bare LF', 'X-A: b\nContent-Length: 5\r\n', 400],
    ['a bare CR', 'X-A: b\rContent-Length: 5\r\n', 400],
    ['a NUL', 'X-A: b\0\r\n', 400],
    ['no host', undefined, 400],
  ])('%s', async (_name, header, status) => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    const host = header === undefined ? '' : 'Host: clowder.test\r\n';
    const { text } = await exchangeRaw(
      proxy.port,
      `POST / HTTP/1.1\r\n${host}${header ?? ''}Connection: close\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`,
    );
    expect(text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    expect(text.split('HTTP/1.1').length - 1).toBe(1);
    expect(clowder.received).toEqual([]);
  });

  it.each(['XYZ\r\n', '0x5\r\nhello\r\n', '+5\r\nhello\r\n', '5\r\nhelloX'])('the chunk %j', async (chunk) => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    const head = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
    const { text } = await exchangeRaw(proxy.port, `${head}${chunk}\r\n0\r\n\r\n`);
    expect(text).toMatch(/^(?:HTTP\/1\.1 400 Bad Request\r\n|$)/);
    // A request that has reached Clowder does not end well there.
    await waitFor(() => clowder.sockets.every((socket) => socket.destroyed || socket.readableEnded), {
      what: 'the end at Clowder',
    });
    expect(clowder.received.filter((received) => received.endsWith('0\r\n\r\n'))).toEqual([]);
  });

  it('CONNECT', async () => {
    const { clowder, proxy } = await behindProxy(stack, answering(OK));
    const { text } = await exchangeRaw(proxy.port, 'CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 405 /);
    expect(clowder.received).toEqual([]);
  });
});

describe('a WebSocket', () => {
  it('passes messages and the end both ways', async () => {
    const server = stack.adopt(new WebSocketServer({ host: '127.0.0.1', port: 0 }), (one) => one.close());
    await once(server, 'listening');
    server.on('connection', (socket, request) => {
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      socket.send(`hello ${request.url ?? ''}`);
    });
    const { port } = server.address() as AddressInfo;
    const proxy = stack.use(await startOwnProxy(`http://127.0.0.1:${port}`, { PROXY_DRAIN_S: '0.2' }));
    const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/ws?key=1`);
    const messages: string[] = [];
    client.on('message', (data: Buffer) => messages.push(data.toString()));
    await waitFor(() => messages.length === 1, { what: 'the greeting' });
    const large = 'x'.repeat(300_000);
    client.send(large);
    await waitFor(() => messages.length === 2, { what: 'the echo' });
    expect(messages).toEqual(['hello /ws?key=1', large]);
    client.close(4000, 'done');
    const [code] = (await once(client, 'close')) as [number];
    expect(code).toBe(4000);
    expect(proxy.watched).toMatchObject([{ complete: true, attributes: { 'http.response.status_code': 101 } }]);
  });

  it('goes on one way after the end of the other', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('\r\n\r\n'))
        socket.write('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nUpgrade: test\r\n\r\nfirst');
    });
    const client = await connectRaw(proxy.port);
    // What comes with the request waits for the 101.
    client.send('GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\nearly ');
    await client.until('first');
    expect(client.received()).toBe('HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nUpgrade: test\r\n\r\nfirst');
    client.send('up');
    client.socket.end('last');
    const [upstream] = clowder.sockets;
    await waitFor(() => upstream?.readableEnded, { what: 'the end at Clowder' });
    expect(split(clowder.received[0] ?? '')[1]).toBe('early uplast');
    upstream?.end('still here');
    expect(await client.closed).toBe('ended');
    expect(client.received()).toMatch(/firststill here$/);
  });

  it('that Clowder refuses gets its answer, and the connection ends', async () => {
    const { proxy } = await behindProxy(stack, answering('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'));
    const { text, how } = await exchangeRaw(
      proxy.port,
      'GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    expect(how).toBe('ended');
    expect(text).toBe('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  });

  it('may have a Content-Length of 0, as proxies in front write it', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (!text.endsWith('\r\n\r\n')) return;
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello');
    });
    const client = await connectRaw(proxy.port);
    client.send(
      'GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n',
    );
    expect(await client.until('hello')).toMatch(/^HTTP\/1\.1 101 /);
    client.send('there');
    await waitFor(() => clowder.received[0]?.endsWith('there'), { what: 'the bytes at Clowder' });
    client.socket.destroy();
  });

  it('is not assumed for h2c or for a request with a body', async () => {
    const { clowder, proxy } = await behindProxy(stack, (socket, text) => {
      if (text.endsWith('\r\n\r\n') || text.endsWith('body')) socket.write(OK);
    });
    const h2c =
      'GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n';
    const { text } = await exchangeRaw(proxy.port, h2c);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(clowder.received[0]).not.toMatch(/upgrade|http2-settings/i);
    const post =
      'POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 4\r\n\r\nbody';
    expect((await exchangeRaw(proxy.port, post)).text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});
