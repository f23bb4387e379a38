import { once } from 'node:events';
import { createServer, get, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  brotliCompressSync,
  brotliDecompressSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startOwnProxy } from '../../test/support/own-proxy.ts';

const PAGE = '<!doctype html><html><head><title>Ä</title></head><body>text</body></html>';
const HTML = { 'content-type': 'text/html; charset=utf-8' };
const SNIPPET = { PROXY_INJECT_SNIPPET: 'true', PROXY_SNIPPET_KEY: 'clo_1' };
/** An id of the proxy's trace, which did not begin with this request. */
const REQUEST_ID = 'b7ad6b7169203331';
const TAG = `<script defer src="/c/v.js" data-key="clo_1" data-request="${REQUEST_ID}"></script>`;
const WITH_TAG = PAGE.replace('<head>', `<head>${TAG}`);

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A proxy in front of a server, with these settings. */
async function behind(
  listener: RequestListener,
  settings: Readonly<Record<string, string>> = SNIPPET,
): Promise<number> {
  const proxy = stack.use(await startOwnProxy(await serve(listener), { PROXY_DRAIN_S: '0.2', ...settings }));
  return proxy.port;
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly complete: boolean;
}

function ask(
  port: number,
  { path = '/datasets/5f1e00000000000000000002', method = 'GET', headers = {} } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = get({ port, host: '127.0.0.1', path, method, headers, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', () => undefined);
      answer.on('close', () =>
        resolve({
          status: answer.statusCode,
          headers: answer.headers,
          body: Buffer.concat(pieces),
          complete: answer.complete,
        }),
      );
    });
    asked.on('error', reject);
  });
}

const answering =
  (headers: Record<string, string | string[]>, body: string | Buffer = PAGE, status = 200): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
    response.end(body);
  };

describe('a page into which the proxy puts the snippet', () => {
  test('has it first in its head, and has the right length', async () => {
    const { headers, body, complete } = await ask(await behind(answering(HTML)));
    expect(body.toString()).toBe(WITH_TAG);
    expect(headers).not.toHaveProperty('content-length');
    expect(headers['transfer-encoding']).toBe('chunked');
    expect(complete).toBe(true);
  });

  test.each([
    ['gzip', gzipSync, gunzipSync],
    ['br', brotliCompressSync, brotliDecompressSync],
    ['zstd', zstdCompressSync, zstdDecompressSync],
  ] as const)('keeps its encoding: %s', async (coding, encode, decode) => {
    const { headers, body } = await ask(await behind(answering({ ...HTML, 'content-encoding': coding }, encode(PAGE))));
    expect(headers['content-encoding']).toBe(coding);
    expect(decode(body).toString()).toBe(WITH_TAG);
  });

  test('comes in pieces as Clowder sends it: the first arrives before the last is sent', async () => {
    const first = Promise.withResolvers<void>();
    const port = await behind((_, response) => {
      response.writeHead(200, { ...HTML, 'content-encoding': 'identity' });
      response.write(PAGE.slice(0, 40));
      void first.promise.then(() => response.end(PAGE.slice(40)));
    });
    const body = await new Promise<string>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path: '/', agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece: string) => {
          text += piece;
          if (text.includes(TAG)) first.resolve();
        });
        answer.on('end', () => resolve(text));
      }).on('error', reject);
    });
    expect(body).toBe(WITH_TAG);
  });

  test('uses the nonce of its policy for the snippet', async () => {
    const csp = { 'content-security-policy': "script-src 'nonce-r4nd0m'" };
    const { body, headers } = await ask(await behind(answering({ ...HTML, ...csp })));
    expect(body.toString()).toContain(`data-request="${REQUEST_ID}" nonce="r4nd0m"></script><title>`);
    expect(headers['content-security-policy']).toBe(csp['content-security-policy']);
  });

  test('has a weak entity tag, and no headers about its original bytes', async () => {
    const { headers } = await ask(
      await behind(answering({ ...HTML, etag: '"a"', 'accept-ranges': 'bytes', 'content-md5': 'x', digest: 'y' })),
    );
    expect(headers.etag).toBe('W/"a"');
    for (const name of ['accept-ranges', 'content-md5', 'digest']) expect(headers).not.toHaveProperty(name);
  });

  test('is answered without its length if only its head is requested', async () => {
    const port = await behind((_, response) => response.writeHead(200, { ...HTML, 'content-length': '70' }).end());
    const { headers, body } = await ask(port, { method: 'HEAD' });
    expect(headers).not.toHaveProperty('content-length');
    expect(body).toHaveLength(0);
  });

  test('that breaks off does not look complete', async () => {
    const port = await behind((_, response) => {
      response.writeHead(200, { ...HTML, 'content-length': '1000' });
      response.write(PAGE, () => response.destroy());
    });
    expect((await ask(port)).complete).toBe(false);
  });

  test('of many megabytes arrives whole at a client that reads slowly', async () => {
    const body = PAGE + 'x'.repeat(8 * 1024 * 1024);
    const answer = await ask(await behind(answering(HTML, body)));
    expect(answer.body.length).toBe(Buffer.byteLength(body) + TAG.length);
  });
});

describe('an answer that is not a page for people, or may not be changed, passes byte for byte:', () => {
  test.each([
    ['JSON', { 'content-type': 'application/json' }, {}],
    ['an answer without a type', {}, {}],
    ['XHTML', { 'content-type': 'application/xhtml+xml' }, {}],
    ['a page in UTF-16', { 'content-type': 'text/html; charset=utf-16le' }, {}],
    ['a page to be saved', { ...HTML, 'content-disposition': 'attachment; filename="a.html"' }, {}],
    ['a page with no-transform', { ...HTML, 'cache-control': 'max-age=1, no-transform' }, {}],
    ['a page whose policy allows no script', { ...HTML, 'content-security-policy': "script-src 'none'" }, {}],
    ['an unknown encoding', { ...HTML, 'content-encoding': 'compress' }, {}],
    ['an answer to a script', HTML, { 'sec-fetch-dest': 'empty' }],
    ['an answer in a frame', HTML, { 'sec-fetch-dest': 'iframe' }],
    ['an answer to jQuery', HTML, { 'x-requested-with': 'XMLHttpRequest' }],
  ])('%s', async (_, headers, requestHeaders) => {
    const answer = await ask(await behind(answering(headers)), { headers: requestHeaders });
    expect(answer.body.toString()).toBe(PAGE);
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(PAGE)));
  });

  test.each([404, 500, 206])('a page with status %i', async (status) => {
    const { body } = await ask(await behind(answering(HTML, PAGE, status)));
    expect(body.toString()).toBe(PAGE);
  });

  test('a piece of a page', async () => {
    const piece = '<div>a</div><script>let head = "<head>";</script>';
    expect((await ask(await behind(answering(HTML, piece)))).body.toString()).toBe(piece);
  });

  test('every page if the snippet is off', async () => {
    expect((await ask(await behind(answering(HTML), {}))).body.toString()).toBe(PAGE);
  });
});

describe('the request that brought a page', () => {
  const timingOf = async (port: number, headers = {}, path?: string) =>
    (await ask(port, { headers, ...(path !== undefined && { path }) })).headers['server-timing'];

  test("is named in Server-Timing, with and without the snippet, after Clowder's own entries", async () => {
    const own = `clowder;desc="${REQUEST_ID}"`;
    expect(await timingOf(await behind(answering(HTML)))).toBe(own);
    expect(await timingOf(await behind(answering({ ...HTML, 'server-timing': 'db;dur=3' }), {}))).toBe(
      `db;dur=3, ${own}`,
    );
  });

  test('is named for a page that the browser already has', async () => {
    const port = await behind((_, response) => response.writeHead(304, { etag: '"a"' }).end());
    expect(await timingOf(port, { accept: 'text/html' })).toBe(`clowder;desc="${REQUEST_ID}"`);
    expect(await timingOf(port, { accept: '*/*' })).toBeUndefined();
  });

  test('is not named if it makes no event, and never to a script', async () => {
    expect(await timingOf(await behind(answering(HTML)), {}, '/no/such/page')).toBeUndefined();
    expect(await timingOf(await behind(answering(HTML)), { 'sec-fetch-dest': 'empty' })).toBeUndefined();
  });
});

describe("the snippet's own paths", () => {
  test("snippet and reports are the collector's; reports have the client's address and no cookies", async () => {
    const asked: { url: string | undefined; headers: IncomingHttpHeaders; text: string }[] = [];
    const collector = await serve((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      request.on('end', () => {
        asked.push({ url: request.url, headers: request.headers, text });
        response.writeHead(202, { 'content-type': 'text/plain', 'retry-after': '3' }).end('taken');
      });
    });
    const clowder: string[] = [];
    const port = await behind(
      (request, response) => {
        clowder.push(request.url ?? '');
        response.end();
      },
      { ...SNIPPET, PROXY_SNIPPET_COLLECTOR: collector },
    );
    expect((await ask(port, { path: '/c/v.js' })).body.toString()).toBe('taken');
    const answer = await fetch(`http://127.0.0.1:${port}/c/v?key=k`, {
      method: 'POST',
      body: '{"url":"/"}',
      headers: {
        cookie: 'session=secret',
        authorization: 'Bearer secret',
        'x-forwarded-for': '198.51.100.9',
        origin: 'http://a.test',
      },
    });
    expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([202, '3', 'taken']);
    expect(asked.map(({ url }) => url)).toEqual(['/c/v.js', '/c/v?key=k']);
    expect(asked[1]).toMatchObject({
      text: '{"url":"/"}',
      headers: { 'x-forwarded-for': '127.0.0.1', origin: 'http://a.test' },
    });
    expect(JSON.stringify(asked)).not.toContain('secret');
    expect(clowder).toEqual([]);
  });

  test('no other path of the collector can be reached', async () => {
    const collector = await serve((_, response) => response.end('collector'));
    const port = await behind(answering({}, 'clowder'), { ...SNIPPET, PROXY_SNIPPET_COLLECTOR: collector });
    for (const path of ['/c/', '/c/v/', '/c/../api/v1/events', '/c/v.js/x', '/metrics', '/C/v'])
      expect([path, (await ask(port, { path })).body.toString()]).toEqual([path, 'clowder']);
  });

  test('the script gets an error if the collector is away, and Clowder is not affected', async () => {
    const port = await behind(answering({}, 'clowder'), { ...SNIPPET, PROXY_SNIPPET_COLLECTOR: 'http://127.0.0.1:1' });
    expect((await ask(port, { path: '/c/v.js' })).status).toBe(502);
    expect((await ask(port, { path: '/' })).body.toString()).toBe('clowder');
  });

  test('all paths are Clowder’s if the snippet is off', async () => {
    expect((await ask(await behind(answering({}, 'clowder'), {}), { path: '/c/v.js' })).body.toString()).toBe(
      'clowder',
    );
  });
});
