import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
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

/** One try of the probe that YAML describes. */
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

  it('times looking up the host where it has a name', async () => {
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
  ])('of the body %j checks %s', async (body, rule, error) => {
    const reading = await read(`type: http, url: "${await answering(200, body)}", body: {${rule}}`);
    expect(reading).toMatchObject({ healthy: error === undefined, error });
  });

  it('reads version and uptime where the answer has them', async () => {
    const url = await answering(200, '{"version":{"number":"1.23.0"},"up":12.5}');
    const { measures } = await read(`type: http, url: "${url}", version: {path: version.number}, uptime: {path: up}`);
    expect(measures).toMatchObject({ version: '1.23.0', reported_uptime_s: 12.5 });
  });

  it('finds a slow answer bad where it is too slow', async () => {
    const url = await serve((_request, response) => void setTimeout(() => response.end(), 60));
    expect((await read(`type: http, url: "${url}", max_response_time: 20ms`)).error).toMatch(
      /^it took \d+ ms, more than 20$/,
    );
  });

  it.each([
    ['that hangs', () => undefined, 'no answer within 100 ms'],
    [
      'that drops the connection',
      (request: IncomingMessage) => request.socket.destroy(),
      'socket hang up (ECONNRESET)',
    ],
    [
      'whose answer breaks off',
      (_request: IncomingMessage, response: ServerResponse) => {
        response.writeHead(200, { 'content-length': '100' }).write('x');
        setTimeout(() => response.destroy(), 20);
      },
      'aborted (ECONNRESET)',
    ],
    [
      'that hangs within its answer',
      (_request: IncomingMessage, response: ServerResponse) => void response.writeHead(200).write('x'),
      'no answer within 100 ms',
    ],
  ])('says of a server %s what it is', async (_what, answer, error) => {
    const url = await serve(answer);
    expect(await read(`type: http, url: "${url}"`, 100)).toMatchObject({ healthy: false, error });
  });

  it('says that nobody listens', async () => {
    expect(await read('type: http, url: "http://127.0.0.1:1/"')).toMatchObject({
      healthy: false,
      error: 'connect ECONNREFUSED 127.0.0.1:1',
    });
  });

  it('sends headers to the host that they are for, and to no other that it is sent on to', async () => {
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
    const yaml = `type: http, url: "${url}/", headers: {X-API-Key: k1}`;
    expect(await read(`${yaml}, body: {equals: there}`)).toMatchObject({ healthy: true });
    expect(seen).toEqual(['k1', 'k1', undefined]);
    expect(await read(`${yaml}, redirects: 1`)).toMatchObject({ healthy: false, error: 'HTTP 302' });
  });

  it('never shows the secrets of a URL', async () => {
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
  const sum = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

  it.each([
    ['the right file', `bytes: 3, sha256: ${sum}`, undefined],
    ['one that is too short', 'bytes: 4', '3 bytes came, not 4'],
    ['one that is another', `sha256: "${'0'.repeat(64)}"`, `the SHA-256 is ${sum}, not ${'0'.repeat(64)}`],
  ])('tells %s', async (_what, rules, error) => {
    const url = await answering(200, 'abc');
    const reading = await read(`type: download, url: "${url}", ${rules}`);
    expect(reading).toMatchObject({ healthy: error === undefined, error, measures: { bytes: 3 } });
  });

  it('does not take the page of an error for the file', async () => {
    const url = await answering(503, 'abc');
    expect(await read(`type: download, url: "${url}", bytes: 3`)).toMatchObject({ healthy: false, error: 'HTTP 503' });
  });
});
