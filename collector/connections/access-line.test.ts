import { describe, expect, test } from 'vitest';
import { createMapContext } from '../../taxonomy/map/context.ts';
import type { Attributes } from '../../taxonomy/telemetry.ts';
import { toAccessLine, type AccessLine, type AccessRecord } from './access-line.ts';
import { readRow, writeRow } from './rows.ts';

const NOW = Date.UTC(2026, 10, 24);
const context = createMapContext({ now: () => NOW, dayKey: () => 'secret', instance: 'ours' });

const nginx: Attributes = {
  'http.request.method': 'GET',
  'url.path': '/files/1',
  'http.response.status_code': 206n,
  'http.response.body.size': '1234',
  'client.address': '192.0.2.77',
  'user_agent.original': 'Mozilla/5.0 (X11) Firefox/128',
  'nginx.connection': 17n,
  'nginx.connection_requests': 1n,
  'process.pid': 42n,
  'log.file.record_offset': 0n,
};
const record = (attributes: Attributes, more: Partial<AccessRecord> = {}): AccessRecord => ({
  timeUnixNano: BigInt(NOW) * 1_000_000n + 999_999n,
  observedTimeUnixNano: 0n,
  attributes,
  resource: { 'service.name': 'web' },
  traceId: '',
  ...more,
});
function lineOf(attributes: Attributes, more: Partial<AccessRecord> = {}): AccessLine {
  const line = toAccessLine(record(attributes, more), context);
  if (line === undefined) throw new Error('no line of an access log');
  return line;
}

test('a line has its source, its time and what is counted, and no address', () => {
  const line = lineOf(nginx);
  expect(line).toEqual({
    source: { instance: 'ours', component: 'web' },
    atMs: NOW,
    id: expect.any(Number) as number,
    statusClass: 2,
    isBot: false,
    opens: true,
    bytes: 1234,
    client: expect.stringMatching(/^[0-9a-f]{12}$/) as string,
    connection: '/42/17',
  });
  expect(JSON.stringify(line)).not.toContain('192.0.2');
});

test('fields that a stock log lacks are absent', () => {
  const line = lineOf({ 'http.response.status_code': '400', 'client.address': '2001:db8::1' });
  expect(line).not.toHaveProperty('connection');
  expect(line).not.toHaveProperty('bytes');
  expect(line).toMatchObject({ statusClass: 4, opens: false });
});

test('the size of the whole answer takes precedence over the size of its body, which is unknown if chunked', () => {
  expect(lineOf({ ...nginx, 'http.response.size': 1534n }).bytes).toBe(1534);
  expect(lineOf({ 'http.response.status_code': 200n, 'http.response.size': '77' }).bytes).toBe(77);
});

test('a robot is counted separately, and a program is not a robot', () => {
  expect(lineOf({ ...nginx, 'user_agent.original': 'Googlebot/2.1 (+http://www.google.com/bot.html)' }).isBot).toBe(
    true,
  );
  expect(lineOf({ ...nginx, 'user_agent.original': 'curl/8.5.0' }).isBot).toBe(false);
});

test('a record that is not from an access log, or has no time, is not a line', () => {
  expect(toAccessLine(record({ 'http.request.method': 'GET' }), context)).toBeUndefined();
  expect(toAccessLine(record(nginx, { timeUnixNano: 0n }), context)).toBeUndefined();
});

describe('the id of a line', () => {
  test("is the request's if NGINX logs it, whichever file the line is read from", () => {
    const id = { 'nginx.request_id': '0af7651916cd43dd8448eb211c80319c' };
    const moved = { ...nginx, ...id, 'log.file.name': 'clowder.json.1', 'log.file.record_offset': 7n };
    expect(lineOf({ ...nginx, ...id }).id).toBe(lineOf(moved).id);
    expect(lineOf({ ...nginx, ...id }).id).not.toBe(
      lineOf({ ...nginx, 'nginx.request_id': '1af7651916cd43dd8448eb211c80319c' }).id,
    );
  });

  test.each([
    ['place in the file', { ...nginx, 'log.file.record_offset': 9n }],
    ['connection', { ...nginx, 'nginx.connection': 18n }],
    ['request of the connection', { ...nginx, 'nginx.connection_requests': 2n }],
    ['process', { ...nginx, 'process.pid': 43n }],
    ['path', { ...nginx, 'url.path': '/files/2' }],
  ])('differs with the %s', (_what, attributes) => {
    expect(lineOf(attributes).id).not.toBe(lineOf(nginx).id);
    expect(lineOf(nginx).id).toBe(lineOf({ ...nginx }).id);
  });

  test('differs between web servers with the same name', () => {
    const other = { resource: { 'service.name': 'web', 'host.name': 'b' } };
    expect(lineOf(nginx, other).id).not.toBe(lineOf(nginx).id);
    expect(lineOf(nginx, other).connection).not.toBe(lineOf(nginx).connection);
    expect(lineOf(nginx, other).source).toEqual(lineOf(nginx).source);
  });
});

test('a row of the journal restores the written line', () => {
  const lines = [
    lineOf(nginx),
    lineOf({ 'http.response.status_code': 0n }),
    lineOf({ ...nginx, 'user_agent.original': 'Googlebot/2.1', 'http.response.body.size': 0n }),
  ];
  const { source } = lineOf(nginx);
  expect(readRow(writeRow({ source, lines }))).toEqual({ source, lines });
  expect(readRow(writeRow({ source, closedMs: NOW }))).toEqual({ source, closedMs: NOW });
});

test.each([
  ['a success', { 'http.response.status_code': 200n }, true],
  ["Clowder's own refusal", { 'http.response.status_code': 404n, 'nginx.upstream.address': '10.0.0.1:9000' }, true],
  [
    'a gateway error of a Clowder that is down',
    { 'http.response.status_code': 502n, 'nginx.upstream.address': '10.0.0.1:9000' },
    true,
  ],
  ['a page that NGINX lacks', { 'http.response.status_code': 404n }, false],
  ["too many requests for NGINX's limit", { 'http.response.status_code': 429n }, false],
  ['an invalid request', { 'http.response.status_code': 400n, 'http.request.method': '' }, false],
  [
    'a request that came too late',
    { 'http.response.status_code': 408n, 'nginx.upstream.address': '10.0.0.1:9000' },
    false,
  ],
])('a line names the client of %s, unless NGINX itself refused the request', (_what, more, isClient) => {
  expect('client' in lineOf({ ...nginx, ...more })).toBe(isClient);
});

test.each([
  ["a 404, which may be Clowder's, has a client", '404', 'GET', true],
  ['an invalid HTTP request has no client', '400', '', false],
  ['a connection that NGINX closed has no client', '444', 'GET', false],
])('in a stock log, %s', (_what, status, method, isClient) => {
  const line = lineOf({
    'http.response.status_code': status,
    'http.request.method': method,
    'client.address': '192.0.2.7',
  });
  expect('client' in line).toBe(isClient);
});
