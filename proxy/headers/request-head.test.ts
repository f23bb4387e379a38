import { describe, expect, it } from 'vitest';
import { believedHeaders, outgoingHead, type IncomingHead, type RequestRules } from './request-head.ts';

const RULES: RequestRules = {
  hostHeader: 'preserve',
  targetHost: '10.0.0.1:9000',
  xForwarded: 'off',
  forwarded: 'off',
  via: undefined,
};
const NO_TRACE = { traceparent: undefined, tracestate: undefined };

function incoming(rawHeaders: readonly string[], more: Partial<IncomingHead> = {}): IncomingHead {
  return {
    method: 'GET',
    path: '/api/files?key=a%2Fb',
    authority: undefined,
    httpVersion: '1.1',
    rawHeaders,
    remoteAddress: '::ffff:192.0.2.1',
    scheme: 'http',
    upgrade: false,
    ...more,
  };
}

/** The forwarded head as lines, without the empty one. */
function lines(rawHeaders: readonly string[], rules: Partial<RequestRules> = {}, more: Partial<IncomingHead> = {}) {
  const head = outgoingHead(incoming(rawHeaders, more), { ...RULES, ...rules }, NO_TRACE);
  if ('status' in head) throw new Error(head.reason);
  expect(head.text.endsWith('\r\n\r\n')).toBe(true);
  return head.text.slice(0, -4).split('\r\n');
}

describe('the head of a forwarded request', () => {
  it('keeps target, names, order and duplicates', () => {
    expect(lines(['HOST', 'clowder.test', 'X-b', '1', 'Accept', '*/*', 'x-B', '\xe4'])).toEqual([
      'GET /api/files?key=a%2Fb HTTP/1.1',
      'HOST: clowder.test',
      'X-b: 1',
      'Accept: */*',
      'x-B: \xe4',
    ]);
  });

  it("loses the headers of the client's own connection", () => {
    const raw = ['Host', 'h', 'Connection', 'keep-alive, X-Mine', 'Keep-Alive', 'timeout=5', 'X-Mine', '1'];
    const more = ['Proxy-Connection', 'keep-alive', 'TE', 'gzip', 'Upgrade', 'h2c', 'X-Kept', '2'];
    expect(lines([...raw, ...more])).toEqual([expect.any(String), 'Host: h', 'X-Kept: 2']);
  });

  it('keeps headers that a Connection header may not remove', () => {
    const raw = ['Host', 'h', 'Connection', 'Host, Cookie, Authorization, Content-Length', 'Cookie', 'id=1'];
    expect(lines([...raw, 'Content-Length', '3'])).toEqual([
      expect.any(String),
      'Host: h',
      'Cookie: id=1',
      'Content-Length: 3',
    ]);
  });

  it('asks for trailers if the client accepts them', () => {
    expect(lines(['Host', 'h', 'TE', 'deflate;q=0.5, trailers', 'Connection', 'TE']).slice(2)).toEqual([
      'Connection: TE',
      'TE: trailers',
    ]);
  });

  it('passes on a request for another protocol', () => {
    const raw = ['Host', 'h', 'Upgrade', 'websocket', 'Connection', 'keep-alive, Upgrade', 'Sec-WebSocket-Key', 'x'];
    expect(lines(raw, {}, { upgrade: true }).slice(2)).toEqual([
      'Sec-WebSocket-Key: x',
      'Connection: Upgrade',
      'Upgrade: websocket',
    ]);
  });

  it.each([
    [['Host', 'h'], 'none'],
    [['Host', 'h', 'Content-Length', '0'], 'none'],
    [['Host', 'h', 'Content-Length', '10'], 'length'],
    [['Host', 'h', 'Transfer-Encoding', 'Chunked'], 'chunked'],
  ] as const)('of %j is framed by %s', (raw, framing) => {
    expect(outgoingHead(incoming(raw), RULES, NO_TRACE)).toMatchObject({ framing });
  });

  it.each([
    [['Host', 'a', 'Host', 'b'], 400],
    [['Host', 'a', 'Transfer-Encoding', 'gzip, chunked'], 501],
    [['Host', 'a', 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], 501],
  ] as const)('of %j is refused with %i', (raw, status) => {
    expect(outgoingHead(incoming(raw), RULES, NO_TRACE)).toMatchObject({ status });
  });

  it('has the configured Host, or that of an absolute target', () => {
    expect(lines(['host', 'h'], { hostHeader: 'target' })[1]).toBe('host: 10.0.0.1:9000');
    expect(lines(['host', 'h'], {}, { authority: 'other.test' })[1]).toBe('host: other.test');
    expect(lines([], {}, { httpVersion: '1.0' })[1]).toBe('Host: 10.0.0.1:9000');
  });

  it("has our trace context instead of the client's", () => {
    const raw = ['Host', 'h', 'Traceparent', 'old', 'tracestate', 'a=b'];
    const trace = { traceparent: 'new', tracestate: 'clowder=captured,a=b' };
    const head = outgoingHead(incoming(raw), RULES, trace);
    expect(head).toMatchObject({ text: expect.not.stringContaining('old') });
    expect(head).toMatchObject({
      text: expect.stringContaining('traceparent: new\r\ntracestate: clowder=captured,a=b'),
    });
    expect(lines(raw).slice(2)).toEqual(['Traceparent: old', 'tracestate: a=b']);
  });

  it('has Via only on request', () => {
    expect(lines(['Host', 'h'], { via: 'proxy' }, { httpVersion: '1.0' }).at(-1)).toBe('Via: 1.0 proxy');
  });
});

const CAME = [
  'Host', 'clowder.test:8000', 'X-Forwarded-For', '198.51.100.7', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Host', 'outer.test',
  'Forwarded', 'for=198.51.100.7',
]; // prettier-ignore

describe('the headers that name the client', () => {
  it.each([
    [
      'set',
      ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: http', 'X-Forwarded-Host: clowder.test:8000'],
      'Forwarded: for=192.0.2.1;proto=http;host="clowder.test:8000"',
    ],
    [
      'append',
      ['X-Forwarded-For: 198.51.100.7, 192.0.2.1', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: outer.test'],
      'Forwarded: for=198.51.100.7, for=192.0.2.1;proto=http;host="clowder.test:8000"',
    ],
    [
      'off',
      ['X-Forwarded-For: 198.51.100.7', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: outer.test'],
      'Forwarded: for=198.51.100.7',
    ],
  ] as const)('are %s', (mode, x, forwarded) => {
    expect(lines(CAME, { xForwarded: mode, forwarded: mode }).slice(2)).toEqual([...x, forwarded]);
  });

  it('are added to or left unchanged independently of each other', () => {
    const both = lines(CAME, { xForwarded: 'append' });
    expect(both).toContain('Forwarded: for=198.51.100.7');
    expect(both).toContain('X-Forwarded-For: 198.51.100.7, 192.0.2.1');
  });

  const CLAIMED = [
    'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'x-forwarded-port', 'X-Forwarded-Prefix', 'X-Forwarded-User',
    'X-Real-IP', 'X-REAL-IP', 'X-Client-IP', 'X-Cluster-Client-IP', 'X-Original-Forwarded-For', 'True-Client-IP', 'Forwarded',
  ]; // prettier-ignore
  const CLAIMING = ['Host', 'h', ...CLAIMED.flatMap((name) => [name, 'spoofed'])];

  it("include none of the client's own if X-Forwarded-* are set", () => {
    expect(lines(CLAIMING, { xForwarded: 'set' }).slice(1)).toEqual([
      'Host: h',
      'X-Forwarded-For: 192.0.2.1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: h',
    ]);
    expect(lines(CLAIMING, { xForwarded: 'set', forwarded: 'set' }).join()).not.toContain('spoofed');
  });

  it('pass unchanged if they are left alone', () => {
    expect(lines(CLAIMING).filter((line) => line.endsWith(': spoofed'))).toHaveLength(CLAIMED.length);
  });

  it('write IPv6 in the form of each header', () => {
    const rules = { xForwarded: 'set', forwarded: 'set' } as const;
    const both = lines(['Host', 'h'], rules, { remoteAddress: '2001:db8::1', scheme: 'https' });
    expect(both).toContain('X-Forwarded-For: 2001:db8::1');
    expect(both).toContain('Forwarded: for="[2001:db8::1]";proto=https;host=h');
  });

  it('are believed only if a proxy in front sets them', () => {
    const headers = { host: 'h', forwarded: 'for=1', 'x-forwarded-for': '2', accept: 'a' };
    const believed = (xForwarded: 'set' | 'append' | 'off', forwarded: 'set' | 'append' | 'off') =>
      Object.keys(believedHeaders({ headers, rawHeaders: [] }, undefined, { xForwarded, forwarded }));
    expect(believed('set', 'off')).toEqual(['host', 'accept']);
    expect(believed('append', 'off')).toEqual(['host', 'x-forwarded-for', 'accept']);
    expect(believed('set', 'append')).toEqual(['host', 'forwarded', 'accept']);
    expect(believed('append', 'append')).toEqual(['host', 'forwarded', 'x-forwarded-for', 'accept']);
  });

  it('are hidden from the capture if Clowder does not get them', () => {
    const raw = [
      'Connection',
      'X-API-Key, Range',
      'X-API-Key',
      'k',
      'Range',
      'bytes=0-1',
      'Cookie',
      'a=b',
      'connection',
      'cookie',
    ];
    const headers = { connection: 'X-API-Key, Range, cookie', 'x-api-key': 'k', range: 'bytes=0-1', cookie: 'a=b' };
    const rules = { xForwarded: 'off', forwarded: 'off' } as const;
    expect(Object.keys(believedHeaders({ headers, rawHeaders: raw }, undefined, rules))).toEqual([
      'connection',
      'cookie',
    ]);
    expect(lines(['Host', 'h', ...raw]).slice(2)).toEqual(['Cookie: a=b']);
  });
});
