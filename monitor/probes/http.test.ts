import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { parseMonitorConfig } from '../config/load.ts';
import type { Reading } from '../reading.ts';
import { turnOf } from '../probe-runner.ts';
import { createProbe } from './create-probe.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

/** One attempt of the probe that this YAML describes. */
async function read(yaml: string, timeoutMs = 5000): Promise<Reading> {
  const [probe] = parseMonitorConfig(`probes: [{name: it, ${yaml}}]`, {}).probes.map(createProbe);
  if (probe === undefined) throw new Error('no probe');
  const [reading] = await turnOf(probe, { timeoutMs, retries: 0, retryPauseMs: 0 }, new AbortController().signal);
  if (reading === undefined) throw new Error('no reading');
  return reading;
}

const answering = (status: number, body = '', headers = {}): Promise<string> =>
  serve((_request, response) => void response.writeHead(status, headers).end(body));

describe('an http probe', () => {
  it('times the parts of an answer', async () => {
    const url = await serve((_request, response) => {
      setTimeout(() => {
        response.write('heal');
        setTimeout(() => response.end('thy'), 30);
      }, 30);
    });
    const { healthy, target, measures } = await read(`type: http, url: "${url}/healthz", body: {equals: healthy}`);
    expect({ healthy, target }).toEqual({ healthy: true, target: `${url}/healthz` });
    expect(measures).toMatchObject({ status_code: 200, dns_time_ms: undefined, tls_time_ms: undefined });
    expect(Number(measures.first_byte_time_ms)).toBeGreaterThanOrEqual(29);
    expect(Number(measures.response_time_ms)).toBeGreaterThanOrEqual(Number(measures.first_byte_time_ms) + 29);
    expect(Number(measures.connect_time_ms)).toBeGreaterThan(0);
  });

  it('times the look-up of a host name', async () => {
    const url = (await answering(200)).replace('127.0.0.1', 'localhost');
    expect(Number((await read(`type: http, url: "${url}"`)).measures.dns_time_ms)).toBeGreaterThan(0);
  });

  it.each([
    [500, '', false],
    [204, '', true],
    [401, 'status: "200,401"', true],
    [403, 'status: "200,401-403"', true],
    [404, 'status: "200,401-403"', false],
  ])('HTTP %i with %j is healthy: %s', async (status, settings, healthy) => {
    const url = await answering(status);
    const reading = await read(`type: http, url: "${url}"${settings && `, ${settings}`}`);
    expect(reading).toMatchObject({ healthy, error: healthy ? undefined : `HTTP ${status}` });
    expect(reading.measures.status_code).toBe(status);
  });

  it.each([
    ['healthy', 'equals: healthy', undefined],
    ['broken', 'equals: healthy', 'the answer is "broken", not "healthy"'],
    ['all is well', 'contains: well', undefined],
    ['all is well', 'contains: bad', 'the answer does not contain "bad"'],
    ['v1.23', 'matches: "^v1\\\\.\\\\d+$"', undefined],
    ['v2.0', 'matches: "^v1"', 'the answer does not match "^v1"'],
    ['{"a":[{"b":true}]}', 'json: {path: a.0.b, equals: true}', undefined],
    ['{"a":[{"b":false}]}', 'json: {path: a.0.b, equals: true}', 'a.0.b is "false", not "true"'],
    ['no json', 'json: {path: a}', 'the answer has no a'],
  ])('checks the body %j with %s', async (body, rule, error) => {
    const reading = await read(`type: http, url: "${await answering(200, body)}", body: {${rule}}`);
    expect(reading).toMatchObject({ healthy: error === undefined, error });
  });

  it('reads version and uptime if the answer has them', async () => {
    const url = await answering(200, '{"version":{"number":"1.23.0"},"up":12.5}');
    const { measures } = await read(`type: http, url: "${url}", version: {path: version.number}, uptime: {path: up}`);
    expect(measures).toMatchObject({ version: '1.23.0', reported_uptime_s: 12.5 });
  });

  it('counts an answer that is too slow as bad', async () => {
    const url = await serve((_request, response) => void setTimeout(() => response.end(), 60));
    expect((await read(`type: http, url: "${url}", max_response_time: 20ms`)).error).toMatch(
      /^it took \d+ ms, more than 20$/,
    );
  });

  it.each([
    ['that hangs', () => undefined, 100, 'no answer within 100 ms'],
    [
      'that drops the connection',
      (request: IncomingMessage) => request.socket.destroy(),
      60_000,
      'socket hang up (ECONNRESET)',
    ],
    [
      'whose answer breaks off',
      (_request: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { 'content-length': '100' }).write('x');
        setTimeout(() => response.destroy(), 20);
      },
      60_000,
      'aborted (ECONNRESET)',
    ],
    [
      'that hangs within its answer',
      (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(200).write('x'),
      100,
      'no answer within 100 ms',
    ],
  ])('says what is wrong with a server %s', async (_what, answer, timeoutMs, error) => {
    const url = await serve(answer);
    expect(await read(`type: http, url: "${url}"`, timeoutMs)).toMatchObject({ healthy: false, error });
  });

  it('says that no program listens', async () => {
    expect(await read('type: http, url: "http://127.0.0.1:1/"')).toMatchObject({
      healthy: false,
      error: 'connect ECONNREFUSED 127.0.0.1:1',
    });
  });

  it('sends headers to their own host, and to no other host that it is redirected to', async () => {
    const seen: (string | undefined)[] = [];
    const keep = (request: IncomingMessage): void => void seen.push(request.headers['x-api-key']?.toString());
    const other = await serve((request, response) => {
      keep(request);
      response.end('there');
    });
    const url = await serve((request, response) => {
      keep(request);
      const location = request.url === '/' ? '/next' : `${other}/`;
      response.writeHead(302, { location }).end();
    });
    const alone = `type: http, url: "${url}/", headers: {X-API-Key: k1}`;
    expect(await read(alone)).toMatchObject({
      healthy: false,
      error: `HTTP 302, which leads to ${other}: not followed, as redirect_origins does not name it`,
    });
    expect(seen.splice(0)).toEqual(['k1', 'k1']);
    const yaml = `${alone}, redirect_origins: ["${other}"]`;
    expect(await read(`${yaml}, body: {equals: there}`)).toMatchObject({ healthy: true });
    expect(seen).toEqual(['k1', 'k1', undefined]);
    expect(await read(`${yaml}, redirects: 1`)).toMatchObject({ healthy: false, error: 'HTTP 302' });
  });

  it('follows redirects to any origin on request, but to no private address that is not named', async () => {
    const inside = await answering(200, 'for the monitor alone');
    const url = await answering(302, '', { location: inside });
    const yaml = `type: http, url: "${url}"`;
    expect(await read(`${yaml}, redirect_origins: ["*"]`)).toMatchObject({
      healthy: false,
      error: `it redirects to ${new URL(inside).host}, which is a private address: name its origin in redirect_origins`,
    });
    expect(await read(`${yaml}, redirect_origins: ["*", "${inside}"]`)).toMatchObject({ healthy: true });
  });

  it('logs in again if the same server redirects it, and sends the cookies that it got', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve(({ url: path, headers }, response) => {
      seen.push([headers.authorization, headers.cookie].join(' '));
      const cookies = [
        'session=abc; Path=/; HttpOnly',
        'deep=1; Path=/deep',
        'over=1; Max-Age=0',
        'gone=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
        'tls=1; Path=/; Secure',
        'bare=a=b',
      ];
      if (path === '/') response.writeHead(302, { location: '/home', 'set-cookie': cookies });
      if (path === '/home') response.writeHead(302, { location: '/end', 'set-cookie': 'bare=; Max-Age=-1' });
      response.end();
    });
    const yaml = `type: http, url: "${url.replace('//', '//bob:pa%25s@')}/"`;
    expect(await read(yaml)).toMatchObject({ healthy: true });
    const basic = `Basic ${Buffer.from('bob:pa%s').toString('base64')}`;
    expect(seen).toEqual([`${basic} `, `${basic} session=abc; bare=a=b`, `${basic} session=abc`]);
    seen.length = 0;
    // Cookies of another check are forgotten.
    await read(yaml);
    expect(seen[0]).toBe(`${basic} `);
  });

  it('sends the configured cookie header instead of the cookies that it got', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve(({ url: path, headers }, response) => {
      seen.push(headers.cookie);
      if (path === '/') response.writeHead(307, { location: '/end', 'set-cookie': 'a=1' });
      response.end();
    });
    await read(`type: http, url: "${url}/", headers: {cookie: mine=2}`);
    expect(seen).toEqual(['mine=2', 'mine=2']);
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    // As some servers understand deflate.
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['GZIP, br', (text: string) => brotliCompressSync(gzipSync(text))],
    ['identity', (text: string) => Buffer.from(text)],
  ])('reads an answer in %s, requested or not', async (coding, encode) => {
    const url = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': coding }).end(encode('all is well')),
    );
    expect(await read(`type: http, url: "${url}", body: {equals: all is well}`)).toMatchObject({ healthy: true });
    const head = await read(`type: http, url: "${url}", method: HEAD`);
    expect(head).toMatchObject({ healthy: true });
    const download = await read(`type: download, url: "${url}", bytes: 11`);
    expect(download).toMatchObject({ healthy: true, measures: { bytes: 11 } });
  });

  it.each([
    ['gzip', Buffer.from('all is well'), 'the answer is not gzip, as it says: incorrect header check (Z_DATA_ERROR)'],
    [
      'br',
      brotliCompressSync('all is well').subarray(0, 8),
      'the answer is not br, as it says: unexpected end of file (Z_BUF_ERROR)',
    ],
    ['compress', Buffer.from('all is well'), 'the answer is coded as compress, which the monitor does not know'],
  ])('says so if a body is not in %s, as it claims', async (coding, body, error) => {
    const url = await serve((_request, response) => response.writeHead(200, { 'content-encoding': coding }).end(body));
    expect(await read(`type: http, url: "${url}"`)).toMatchObject({ healthy: false, error });
  });

  it.each([
    ['text/plain; charset=ISO-8859-1', Buffer.from('gr\u00fcn', 'latin1')],
    ['text/plain; charset="utf-8"', Buffer.from('gr\u00fcn')],
    ['text/plain; charset=UTF-16LE', Buffer.from('gr\u00fcn', 'utf16le')],
    ['text/plain', Buffer.from('\uFEFFgr\u00fcn')],
    ['text/plain; charset=iso-8859-1', Buffer.from('\uFEFFgr\u00fcn')],
    ['text/plain', Buffer.from('\uFEFFgr\u00fcn', 'utf16le')],
    ['text/plain; charset=no-such', Buffer.from('gr\u00fcn')],
  ])('reads a body of %s by its charset and byte order mark: %j', async (type, body) => {
    const url = await serve((_request, response) => response.writeHead(200, { 'content-type': type }).end(body));
    expect(await read(`type: http, url: "${url}", body: {equals: gr\u00fcn}`)).toMatchObject({ healthy: true });
  });

  it('waits for a busy decoder without adding a listener for each piece', async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', note);
    const zipped = gzipSync(randomBytes(4 * 1024 * 1024));
    const url = await serve((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(zipped),
    );
    expect(await read(`type: download, url: "${url}", bytes: ${4 * 1024 * 1024}`, 60_000)).toMatchObject({
      healthy: true,
    });
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('reads JSON after a byte order mark', async () => {
    const url = await answering(200, '\uFEFF{"version": 5}', { 'content-type': 'application/json' });
    const { measures } = await read(`type: http, url: "${url}", version: {path: version}`);
    expect(measures.version).toBe('5');
  });

  it('accepts a head of 60 KiB', async () => {
    const url = await answering(200, '', { 'x-policy': 'p'.repeat(60 * 1024) });
    expect(await read(`type: http, url: "${url}"`)).toMatchObject({ healthy: true });
  });

  it('never shows secrets of a URL', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization, request.url);
      response.end();
    });
    const { target } = await read(`type: http, url: "${url.replace('//', '//bob:s3cret@')}/a?key=k3y"`);
    expect(seen).toEqual([`Basic ${Buffer.from('bob:s3cret').toString('base64')}`, '/a?key=k3y']);
    expect(target).not.toMatch(/s3cret|k3y/);
  });
});

describe('a download probe', () => {
  it('measures the speed in bytes a second, including the wait for the answer', async () => {
    const url = await answering(200, 'x'.repeat(200_000));
    const { measures } = await read(`type: download, url: "${url}"`);
    expect(measures.download_rate).toBe(Math.round((200_000 * 1000) / Number(measures.response_time_ms)));
  });

  const sum = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

  it.each([
    ['the right file', `bytes: 3, sha256: ${sum}`, undefined],
    ['one that is too short', 'bytes: 4', '3 bytes came, not 4'],
    ['another file', `sha256: "${'0'.repeat(64)}"`, `the SHA-256 is ${sum}, not ${'0'.repeat(64)}`],
  ])('recognises %s', async (_what, rules, error) => {
    const url = await answering(200, 'abc');
    const reading = await read(`type: download, url: "${url}", ${rules}`);
    expect(reading).toMatchObject({ healthy: error === undefined, error, measures: { bytes: 3 } });
  });

  it('does not mistake an error page for the file', async () => {
    const url = await answering(503, 'abc');
    expect(await read(`type: download, url: "${url}", bytes: 3`)).toMatchObject({ healthy: false, error: 'HTTP 503' });
  });
});
