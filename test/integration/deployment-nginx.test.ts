import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redactQuery, redactUrl } from '../../taxonomy/redaction.ts';
import { startNginx, type LogLine, type Nginx } from '../support/nginx.ts';
import { exchangeRaw } from '../support/raw-http.ts';
import { OTHER_NAMES, SECRET_NAMES } from '../support/secret-names.ts';
import { waitFor } from '../support/wait-for.ts';

const CANARY = 'canary-7f3a';
const TRACEPARENT = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;

let upstream: Server;
let nginx: Nginx;
/** Headers that reached the upstream, by path and query. */
const forwarded = new Map<string, IncomingHttpHeaders>();
const asked = new Map<Nginx, number>();

beforeAll(async () => {
  upstream = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    forwarded.set(request.url ?? '', request.headers);
    if (request.headers['x-answer-location'] !== undefined)
      response.setHeader('location', request.headers['x-answer-location']);
    response.setHeader('x-clowder-captured', 'b7ad6b7169203331').setHeader('set-cookie', `id=${CANARY}; Path=/`);
    request.resume().on('end', () => response.end('hello'));
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const address = upstream.address();
  nginx = await startNginx({ upstream: `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}` });
});

afterAll(async () => {
  await nginx.stop();
  upstream.closeAllConnections();
  upstream.close();
});

/** Sends a request with these bytes and gives the line that NGINX wrote for it. */
async function lineOf(
  target: string,
  headers: readonly string[] = [],
  through = nginx,
): Promise<{ line: LogLine; answer: string }> {
  const before = asked.get(through) ?? 0;
  asked.set(through, before + 1);
  const lines = [`GET ${target} HTTP/1.1`, 'Host: clowder.example:8080', 'Connection: close', ...headers];
  const { text } = await exchangeRaw(through.port, `${lines.join('\r\n')}\r\n\r\n`);
  const line = await waitFor(async () => (await through.lines())[before], { what: 'the line of the log' });
  return { line, answer: text };
}

/** The query that the log has for a request with this one. */
const loggedQuery = async (query: string): Promise<string | undefined> =>
  (await lineOf(`/api/files?${query}`)).line['url.query'];

describe('the log line of NGINX', () => {
  test('describes the request by the semantic conventions, and the answer as far as a log can', async () => {
    const { line, answer } = await lineOf('/api/files/1/blob?a=1', ['User-Agent: Mozilla "x"', 'Range: bytes=0-9']);
    expect(line).toMatchObject({
      'http.request.method': 'GET',
      'url.path': '/api/files/1/blob',
      'url.query': 'a=1',
      'http.response.status_code': '200',
      'http.response.body.size': '5',
      'network.protocol.version': '1.1',
      'client.address': '127.0.0.1',
      'server.address': 'clowder.example',
      'user_agent.original': 'Mozilla "x"',
      'http.request.header.range': 'bytes=0-9',
      'http.response.header.x-clowder-captured': 'b7ad6b7169203331',
      'nginx.request_completion': 'OK',
      'nginx.connection_requests': '1',
    });
    expect(Number(line['time']) * 1000).toBeGreaterThan(Date.now() - 60_000);
    expect(answer).toContain('hello');
    expect(answer.toLowerCase()).not.toContain('captured');
  });

  test('is one line of JSON, whatever a client sends', async () => {
    const { line } = await lineOf('/x', ['User-Agent: \xe9\x01"\\\t{}', 'Referer: "', 'Range: \\']);
    expect(line['user_agent.original']).toContain('{}');
    const before = asked.get(nginx) ?? 0;
    for (const bytes of ['GET\r\n\r\n', 'GET /%zz?key=canary-7f3a HTTP/1.1\r\n\r\n', 'canary \x00\x01\r\n\r\n']) {
      await exchangeRaw(nginx.port, bytes);
    }
    asked.set(nginx, before + 3);
    const lines = await waitFor(async () => (await nginx.lines()).length >= before + 3 && nginx.lines(), {
      what: 'the lines of the log',
    });
    expect(lines.slice(before).map((one) => one['http.response.status_code'])).toEqual(['400', '400', '400']);
    expect(JSON.stringify(lines)).not.toContain(CANARY);
  });
});

describe('the trace of a request through NGINX', () => {
  /** The same NGINX with trusted proxies as in docs/nginx.md. */
  let behindProxy: Nginx;
  beforeAll(async () => {
    const address = upstream.address();
    behindProxy = await startNginx({
      upstream: `127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`,
      site: 'geo $clowder_trusted { default 0; 127.0.0.0/8 1; }',
    });
  });
  afterAll(() => behindProxy.stop());

  const WELL_FORMED: readonly (readonly [what: string, traceparent: string])[] = [
    ['unchanged', TRACEPARENT],
    ['of a later version', `01-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01-more`],
  ];
  const NO_CONTEXT: readonly (readonly [what: string, traceparent: string | undefined])[] = [
    ['none', undefined],
    ['zeros for its trace', `00-${'0'.repeat(32)}-${'cd'.repeat(8)}-01`],
    ['zeros for its span', `00-${'ab'.repeat(16)}-${'0'.repeat(16)}-01`],
    ['the forbidden version', `ff-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`],
    ['text after it', `${TRACEPARENT}-more`],
    ['capitals', TRACEPARENT.toUpperCase()],
    ['nonsense', '00-x'],
  ];
  const contextOf = (traceparent: string | undefined): string[] =>
    traceparent === undefined ? [] : [`traceparent: ${traceparent}`, 'tracestate: a=b'];

  test.each(WELL_FORMED)(
    "goes on if a trusted proxy sent one, %s, with the request's id added",
    async (_what, traceparent) => {
      const target = `/passed/${traceparent.length}`;
      const sent = [`traceparent: ${traceparent}`, 'tracestate: a=b, clowder=0123456789abcdef ,c=d'];
      const { line } = await lineOf(target, sent, behindProxy);
      const id = String(line['clowder.request.id']);
      expect(id.slice(2)).toBe(line['nginx.request_id']?.slice(2));
      expect(forwarded.get(target)).toMatchObject({ traceparent, tracestate: `clowder=request:${id},a=b,c=d` });
      expect(forwarded.get(target)).not.toHaveProperty('x-clowder-client-traceparent');
      expect(line).toMatchObject({ trace_id: 'ab'.repeat(16), span_id: 'cd'.repeat(8), 'clowder.request.id': id });
      expect(line['http.request.header.traceparent']).toBe('');
    },
  );

  test.each([
    ...NO_CONTEXT.map(([what, sent]) => [what, sent, true] as const),
    ...NO_CONTEXT.map(([what, sent]) => [what, sent, false] as const),
    ['one from an untrusted client', TRACEPARENT, false] as const,
  ])("begins with the request's id if the client sent %s (%s; trusted: %s)", async (what, traceparent, trusted) => {
    const target = `/new/${encodeURIComponent(what)}/${trusted}`;
    const { line } = await lineOf(target, contextOf(traceparent), trusted ? behindProxy : nginx);
    const headers = forwarded.get(target);
    expect(line['trace_id']).toMatch(/^[0-9a-f]{32}$/);
    expect(line['trace_id']).toBe(line['clowder.request.id']);
    expect(headers?.['traceparent']).toBe(`00-${line['trace_id']}-${line['span_id']}-01`);
    expect(headers?.['tracestate']).toBe(`clowder=request:${line['trace_id']}`);
    expect(headers?.['x-request-id']).toBe(line['trace_id']);
  });

  test("has an untrusted client's context in the log and a header, for a link", async () => {
    const { line } = await lineOf('/link', [...contextOf(TRACEPARENT), `X-Clowder-Client-Traceparent: 00-made-up`]);
    expect(line['http.request.header.traceparent']).toBe(TRACEPARENT);
    expect(forwarded.get('/link')?.['x-clowder-client-traceparent']).toBe(TRACEPARENT);
    await lineOf('/no-link', ['X-Clowder-Client-Traceparent: 00-made-up']);
    expect(forwarded.get('/no-link')).not.toHaveProperty('x-clowder-client-traceparent');
  });

  test("is forwarded with the sender's address, not the one that the client claims", async () => {
    await lineOf('/who', ['X-Forwarded-For: 6.6.6.6', 'Forwarded: for=6.6.6.6']);
    const headers = forwarded.get('/who');
    expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http', host: 'clowder.example:8080' }); // prettier-ignore
    expect(headers?.['forwarded']).toBeUndefined();
  });
});

describe('a secret in a query', () => {
  test.each(SECRET_NAMES)('with the name %s is not in the log', async (name) => {
    const query = `a=1&${name}=${CANARY}&b=2`;
    expect(await loggedQuery(query)).toBe(redactQuery(query));
  });

  test.each([
    ['first', `key=${CANARY}`],
    ['twice', `key=${CANARY}&key=${CANARY}1`],
    ['six times', Array.from({ length: 6 }, (_one, index) => `key=${CANARY}${index}&a=${index}`).join('&')],
    ['empty between others', `key=&token=${CANARY}&x=`],
    ['with = and % in it', `key=${CANARY}=%3D&tracking=false`],
    ['beside one that already looks redacted', `key=REDACTED&key=${CANARY}&key=REDACTED-${CANARY}`],
  ])('is replaced: %s', async (_how, query) => {
    const logged = await loggedQuery(query);
    expect(logged).not.toContain(CANARY);
    expect(logged).toBe(redactQuery(query));
  });

  test.each([
    ['more than six times', Array.from({ length: 8 }, (_one, index) => `key=${CANARY}${index}`).join('&')],
    ['under an encoded name', `a=1&k%65y=${CANARY}`],
    ['under an encoded name after others', `key=${CANARY}&%74oken=${CANARY}`],
    ['in a name', `a?key=${CANARY}`],
  ])('that cannot be replaced exactly makes the log drop the query: %s', async (_how, query) => {
    expect(await loggedQuery(query)).toBe('REDACTED');
  });

  test.each([
    `redirect=https%3A%2F%2Fx%2F%3Fkey%3D${CANARY}&a=1`,
    `redirect=%252Fx%253Fkey%253D${CANARY}&a=1`,
    `next=/x?token=${CANARY}&a=1`,
    `extractor=private.${CANARY}.ncsa&a=1`,
  ])('within a value is not in the log: %s', async (query) => {
    const logged = await loggedQuery(query);
    expect(logged).not.toContain(CANARY);
    expect(logged?.endsWith('=REDACTED&a=1')).toBe(true);
  });

  test.each([
    `fileList=${'5f1e00000000000000000001,'.repeat(200)}`,
    OTHER_NAMES.map((name) => `${name}=1`).join('&'),
    'q=a%20b%2Cc&dataset=1',
    '',
  ])('is no reason to change other queries: %s', async (query) => {
    expect(await loggedQuery(query)).toBe(query);
  });
});

describe('a long request', () => {
  const long = (part: string): string => part.repeat(Math.floor(30_000 / part.length));

  test.each([
    ['a query of one value', `/x?a=${long('a')}&key=${CANARY}`],
    ['a query of many values', `/x?${long('a=b&')}key=${CANARY}`],
    ['a query that often nearly has a secret', `/x?${long('access_toke&')}key=${CANARY}`],
    ['a query of many secrets', `/x?${long(`key=${CANARY}&`)}a=1`],
    ['a path of many segments', `/${long('signu/')}signup/${CANARY}`],
    ['a path with a long secret', `/signup/${long(CANARY)}`],
    ['a path with a long key', `/api/extractors/private.${long(CANARY)}.ncsa`],
    ['a path of encoded letters', `/${long('%61')}/sign%75p/${CANARY}`],
  ])('brings no secret into the log: %s', async (_what, target) => {
    const { line } = await lineOf(target);
    expect(line['http.response.status_code']).toBe('200');
    expect(JSON.stringify(line)).not.toContain(CANARY);
  });

  test('brings no secret into the log by its Referer', async () => {
    const { line } = await lineOf('/x?a=1', [`Referer: https://x/${long('signu/')}?${long('a=b&').slice(9)}key=${CANARY}`.slice(-30_000)]); // prettier-ignore
    expect(JSON.stringify(line)).not.toContain(CANARY);
    expect(line['url.query']).toBe('a=1');
  });
});

describe('a secret in a path', () => {
  test.each([
    `/signup/${CANARY}`,
    `/clowder/reset/${CANARY}/`,
    `/files/links/${CANARY}`,
    `/api/users/keys/${CANARY}`,
    `/SignUp/${CANARY}/signup/${CANARY}`,
    `/api/extractors/private.${CANARY}.ncsa.wordcount`,
    `/api/extractors/error.private.${CANARY}.ncsa`,
    `/files/1;jsessionid=${CANARY}`,
  ])('is replaced: %s', async (path) => {
    expect((await lineOf(path)).line['url.path']).toBe(redactUrl(path));
  });

  test.each([
    `/sign%75p/${CANARY}`,
    `/api/extractors/pri%76ate.${CANARY}.ncsa`,
    `/proxy/%3Fkey=${CANARY}`,
    `/x//user:${CANARY}@host/`,
  ])('that cannot be replaced exactly makes the log drop the path: %s', async (path) => {
    expect((await lineOf(path)).line['url.path']).toBe('/REDACTED');
  });

  test.each(['/files/5f1e%20x', '/datasets/links', '/api/files/keys/1', '/'])(
    'is no reason to change other paths: %s',
    async (path) => {
      expect((await lineOf(path)).line['url.path']).toBe(path);
    },
  );
});

describe('a secret in a header', () => {
  test.each([
    ['https://clowder.example/datasets/5f1e?space=2', undefined],
    ['https://clowder.example/', undefined],
    [`https://clowder.example/files/5f1e?key=${CANARY}&dataset=1`, 'https://clowder.example/files/5f1e?key=REDACTED&dataset=1'], // prettier-ignore
    [`https://clowder.example/files/5f1e?k%65y=${CANARY}`, 'https://clowder.example/files/5f1e?REDACTED'],
    [`https://clowder.example/files/5f1e?a=1#token=${CANARY}`, 'https://clowder.example/files/5f1e?a=1'],
    [`https://clowder.example/x/signup/${CANARY}`, 'https://clowder.example/x/signup/REDACTED'],
    [`https://clowder.example/sign%75p/${CANARY}`, 'https://clowder.example/REDACTED'],
    [`https://user:${CANARY}@clowder.example/`, 'REDACTED'],
    [`android-app://x/${CANARY}`, 'REDACTED'],
    [`${CANARY} key=${CANARY}`, 'REDACTED'],
  ])('is replaced in Referer %s', async (referer, kept) => {
    const { line } = await lineOf('/datasets?key=a', [`Referer: ${referer}`]);
    expect(line['http.request.header.referer']).toBe(kept ?? referer);
    expect(line['url.query']).toBe('key=REDACTED');
  });

  test.each([
    ['/datasets/5f1e', '/datasets/5f1e'],
    [`https://x/files/5f1e?key=${CANARY}`, 'https://x/files/5f1e'],
    [`https://x/reset/${CANARY}`, 'https://x/reset/REDACTED'],
  ])('is replaced in Location %s', async (location, kept) => {
    const { line } = await lineOf('/l', [`X-Answer-Location: ${location}`]);
    expect(line['http.response.header.location']).toBe(kept);
  });

  test('is logged only as present or absent if it is a credential', async () => {
    const { line } = await lineOf('/c', [
      `Cookie: id=${CANARY}`,
      `Authorization: Bearer ${CANARY}`,
      `X-API-Key: ${CANARY}`,
    ]);
    expect(line).toMatchObject({
      'http.request.header.cookie': 'REDACTED',
      'http.request.header.authorization': 'REDACTED',
      'http.request.header.x-api-key': 'REDACTED',
      'http.response.header.set-cookie': 'id=REDACTED',
    });
    expect(JSON.stringify(line)).not.toContain(CANARY);
    expect((await lineOf('/d')).line['http.request.header.cookie']).toBe('');
  });
});

test('stub_status answers only this host', async () => {
  expect(await (await fetch(nginx.statusUrl)).text()).toMatch(/^Active connections: \d+/);
});
