import type { IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { derivedEventId } from '../../taxonomy/event-id.ts';
import type { ClowderVersion } from '../../taxonomy/http/types.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapSpan } from '../../taxonomy/map.ts';
import { SPAN_KIND_SERVER, type SpanRecord } from '../../taxonomy/telemetry.ts';
import { startCapture } from './start-capture.ts';
import type { Capture, CaptureOptions, CaptureResult, RequestHead } from './types.ts';
import { runs } from '../../test/support/form.ts';

const ID = '5f1e00000000000000000001';
const OTHER = '5f1e00000000000000000002';
const DATASET = '5f1e0000000000000000d5e7';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

const SPAN: SpanRecord = {
  traceId: TRACE,
  spanId: 'b7ad6b7169203331',
  parentSpanId: '',
  traceState: '',
  name: 'GET',
  kind: SPAN_KIND_SERVER,
  startTimeUnixNano: 1_760_000_000_000_000_000n,
  endTimeUnixNano: 1_760_000_000_100_000_000n,
  attributes: {},
  events: [],
  resource: {},
};

interface Exchange {
  readonly sent?: IncomingHttpHeaders;
  readonly body?: string | Uint8Array;
  readonly status?: number;
  readonly answered?: Readonly<Record<string, string>>;
  readonly answer?: string | Uint8Array;
  readonly complete?: boolean;
  readonly traceId?: string;
  readonly requestId?: string;
  readonly options?: Partial<CaptureOptions>;
  readonly head?: Partial<RequestHead>;
}

/** Sends `METHOD /target` through a capture, with bodies in small chunks. */
function exchange(line: string, seen: Exchange = {}): CaptureResult & { readonly capture: Capture } {
  const [method = '', target = ''] = line.split(' ');
  const capture = startCapture(
    {
      method,
      target,
      headers: { host: 'clowder.example', ...seen.sent },
      httpVersion: '1.1',
      remoteAddress: '192.0.2.7',
      scheme: 'http',
      ...seen.head,
    },
    { source: 'proxy', clowder: 'auto', contextPath: '', trustForwarded: false, ...seen.options },
  );
  for (const chunk of chunks(seen.body)) capture.requestChunk(chunk);
  const answered: Readonly<Record<string, string>> = seen.answered ?? { 'content-type': 'application/json' };
  capture.responseHead(seen.status ?? 200, (name) => answered[name]);
  for (const chunk of chunks(seen.answer)) capture.responseChunk(chunk);
  return { capture, ...capture.end(seen.complete ?? true, seen.traceId ?? TRACE, seen.requestId ?? '') };
}

function* chunks(body: string | Uint8Array | undefined): Generator<Uint8Array> {
  const bytes = Buffer.from(body ?? '');
  for (let at = 0; at < bytes.length; at += 37) yield bytes.subarray(at, at + 37);
}

const BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW';
const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const part = (disposition: string, content: string, type?: string): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n${type === undefined ? '' : `Content-Type: ${type}\r\n`}\r\n${content}\r\n`;
const form = (...parts: string[]): string => `${parts.join('')}--${BOUNDARY}--\r\n`;

describe('an upload', () => {
  test('takes name, size and type from the form, and the id from the answer', () => {
    const { events, errors, refuted, capture } = exchange(`POST /api/uploadToDataset/${OTHER}?key=s3cret`, {
      sent: { ...FORM, 'user-agent': 'curl/8.5' },
      body: form(part('name="File"; filename="a.txt"', 'hello', 'text/plain')),
      answer: `{"id":"${ID}"}`,
    });
    expect(capture.mayBeEvent).toBe(true);
    expect(errors).toEqual([]);
    expect(refuted).toEqual([]);
    expect(events).toEqual([
      {
        type: 'file.uploaded',
        attributes: {
          'clowder.captured': true,
          'clowder.source': 'proxy',
          'clowder.event.id': derivedEventId(TRACE, 'file.uploaded', ID),
          'client.address': '192.0.2.7',
          'user_agent.original': 'curl/8.5',
          'clowder.client.kind': 'api',
          'clowder.auth.method': 'api_key',
          'clowder.file.id': ID,
          'clowder.file.name': 'a.txt',
          'clowder.dataset.id': OTHER,
          'clowder.bytes': 5,
          'clowder.content_type': 'text/plain',
        },
      },
    ]);
  });

  test('by the web form has its dataset in a field after the file, and a gzipped answer', () => {
    const files = [{ name: 'a.txt', size: 5, url: `http://clowder.example/files/${ID}` }];
    const { events } = exchange('POST /dataset/submit', {
      sent: FORM,
      body: form(part('name="files[]"; filename="a.txt"', 'hello', 'text/plain'), part('name="datasetid"', OTHER)),
      answered: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      answer: gzipSync(JSON.stringify({ files })),
    });
    expect(events).toMatchObject([
      { type: 'file.uploaded', attributes: { 'clowder.file.id': ID, 'clowder.dataset.id': OTHER, 'clowder.bytes': 5 } },
    ]);
  });
});

describe('an event that path and status suggest but the body denies', () => {
  test('is refuted under the id that every other observer gives it', () => {
    const deleted = `DELETE /api/files/${ID}`;
    const done = exchange(deleted, { answer: '{"status":"success"}' });
    const refused = exchange(deleted, { answer: '{"status":"error","message":"no"}' });
    expect(done.refuted).toEqual([]);
    expect(refused.events).toEqual([]);
    expect(refused.refuted).toEqual([done.events[0]?.attributes['clowder.event.id']]);
  });

  test('is refuted file by file if one of several jobs was refused', () => {
    const { events, refuted } = exchange(`POST /api/selected/submit/${DATASET}/${ID},${OTHER}`, {
      answer: JSON.stringify({ status: 'success', jobs: { [ID]: 'j1' } }),
    });
    expect(events).toMatchObject([{ attributes: { 'clowder.file.id': ID, 'clowder.job.id': 'j1' } }]);
    expect(refuted).toEqual([derivedEventId(TRACE, 'extraction.queued', OTHER)]);
  });

  test("is refuted if only the answer's type shows that it is not a page", () => {
    const { events, refuted } = exchange(`GET /files/${ID}`, { answer: '{}' });
    expect(events).toEqual([]);
    expect(refuted).toEqual([derivedEventId(TRACE, 'view.resource', ID)]);
  });

  test('is not refuted if a weaker observer would not have made it either', () => {
    expect(exchange(`DELETE /api/files/${ID}`, { status: 403 }).refuted).toEqual([]);
    expect(exchange('GET /api/version', { answer: '{}' }).refuted).toEqual([]);
  });

  test('is not refuted without a trace, as nothing would identify it', () => {
    expect(exchange(`DELETE /api/files/${ID}`, { answer: '{"status":"error"}', traceId: '' }).refuted).toEqual([]);
  });
});

describe('the id of an event', () => {
  test.each([
    [`DELETE /api/files/${ID}`, '{"status":"success"}'],
    [`POST /api/datasets/${ID}/extractions`, '{"status":"OK","job_id":"j"}'],
    [`GET /api/datasets/${ID}/download`, 'zip'],
    [`GET /api/datasets/${DATASET}/downloadPartial?fileList=${ID},${OTHER}`, 'zip'],
    ['GET /api/status', '{}'],
  ])("of %s is the id that the collector gives to another observer's span", (line, answer) => {
    const [method = '', target = ''] = line.split(' ');
    const [path = '', query = ''] = target.split('?');
    const ofSpan = mapSpan(
      {
        ...SPAN,
        attributes: {
          'http.request.method': method,
          'url.path': path,
          'url.query': query,
          'http.response.status_code': 200,
        },
      },
      createMapContext(),
    );
    const ids = exchange(line, { answer }).events.map(({ attributes }) => attributes['clowder.event.id']);
    expect(ids.length).toBeGreaterThan(0);
    expect(ids).toEqual(ofSpan.candidates.map(({ body }) => body.event_id));
  });

  test('differs between files whose ids the answer hides', () => {
    const { events } = exchange('POST /api/files', {
      sent: FORM,
      body: form(part('name="a"; filename="a"', 'x'), part('name="b"; filename="b"', 'y')),
      answer: 'not JSON',
    });
    expect(new Set(events.map(({ attributes }) => attributes['clowder.event.id'])).size).toBe(2);
  });

  test('is left to the collector if there is no trace', () => {
    const { events } = exchange(`GET /api/files/${ID}`, { traceId: '' });
    expect(events).toHaveLength(1);
    expect(events[0]?.attributes).not.toHaveProperty('clowder.event.id');
  });
});

describe('the attributes of a request', () => {
  test('at its head are semantic conventions, route, ids in the path and kind of client, without secrets', () => {
    const { capture } = exchange(`GET /clowder/api/datasets/${ID}/files?key=s3cret&limit=2`, {
      sent: { 'user-agent': 'curl/8.5', authorization: 'Bearer s3cret', cookie: 'id=s3cret', 'x-api-key': 's3cret' },
      options: { contextPath: '/clowder' },
    });
    expect(capture.route).toBe('/api/datasets/:id/files');
    expect(capture.mayBeEvent).toBe(false);
    expect(capture.attributes).toEqual({
      'http.request.method': 'GET',
      'url.path': `/clowder/api/datasets/${ID}/files`,
      'url.query': 'key=REDACTED&limit=2',
      'url.scheme': 'http',
      'server.address': 'clowder.example',
      'server.port': 80,
      'client.address': '192.0.2.7',
      'network.peer.address': '192.0.2.7',
      'network.protocol.version': '1.1',
      'user_agent.original': 'curl/8.5',
      'clowder.client.kind': 'api',
      'clowder.auth.method': 'session',
      'clowder.route': '/api/datasets/:id/files',
      'clowder.dataset.id': ID,
    });
  });

  test('cover an unusual method, target, version and connection', () => {
    const odd = exchange('BREW http://clowder.example:9000', {
      head: { httpVersion: '2.0', remoteAddress: undefined, scheme: 'https' },
      sent: { host: '' },
    });
    expect(odd.capture.attributes).toEqual({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'BREW',
      'url.path': '/',
      'url.scheme': 'https',
      'network.protocol.version': '2',
    });
    expect(odd.capture.route).toBeUndefined();
  });

  test.each([
    ['GET /signup/s3cret', 'url.path', '/signup/REDACTED'],
    [`GET /files/links/${ID}`, 'url.path', '/files/links/REDACTED'],
    ['GET /extractors/private.s3cret.tile/logs', 'clowder.extractor.name', 'private.REDACTED.tile'],
    ['POST /ldap/authenticate?uid=me&password=s3cret', 'url.query', 'uid=REDACTED&password=REDACTED'],
    [`POST /api/files/${ID}/archive`, 'clowder.file.id', ID],
    [`GET /api/extractions/${ID}/status`, 'clowder.file.id', ID],
    [`GET /collection/${ID}`, 'clowder.collection.id', ID],
    [`GET /spaces/${ID}`, 'clowder.space.id', ID],
    [`GET /api/v2/jobs/${ID}/summary`, 'clowder.job.id', ID],
    [`DELETE /api/v2/datasets/${DATASET}/folders/${ID}`, 'clowder.folder.id', ID],
  ])('of %s are %s', (line, name, value) => {
    expect(exchange(line).capture.attributes[name]).toBe(value);
  });

  test('name no file for a share link or an id of another form', () => {
    expect(exchange(`GET /files/links/${ID}`).capture.attributes).not.toHaveProperty('clowder.file.id');
    expect(exchange('GET /api/files/nothing').capture.attributes).not.toHaveProperty('clowder.file.id');
  });

  test('at its end are status, sizes, and what the answer tells', () => {
    const upload = exchange(`POST /api/uploadToDataset/${DATASET}`, {
      sent: FORM,
      body: form(part('name="File"; filename="a"', 'x')),
      answer: `{"id":"${ID}"}`,
    });
    expect(upload.attributes).toEqual({
      'http.response.status_code': 200,
      'http.request.body.size': form(part('name="File"; filename="a"', 'x')).length,
      'http.response.body.size': `{"id":"${ID}"}`.length,
      'clowder.captured': true,
      'clowder.file.id': ID,
      'clowder.dataset.id': DATASET,
    });
    expect(exchange('GET /api/version', { status: 502, answer: 'x' }).attributes).toEqual({
      'http.response.status_code': 502,
      'http.response.body.size': 1,
      'error.type': '502',
    });
    expect(exchange('GET /api/version', { status: 0 }).attributes).toEqual({ 'http.response.body.size': 0 });
  });

  test('name a user only if Clowder answered with success, and then in the events too', () => {
    const sent = { authorization: `Basic ${Buffer.from('ann@c.example:s3cret').toString('base64')}` };
    const { attributes, events } = exchange(`DELETE /api/files/${ID}`, { sent, answer: '{"status":"success"}' });
    expect(attributes['user.name']).toBe('ann@c.example');
    expect(events[0]?.attributes['user.name']).toBe('ann@c.example');
    expect(exchange(`GET /api/files/${ID}`, { sent }).attributes).not.toHaveProperty('user.name');
    expect(exchange(`DELETE /api/files/${ID}`, { sent, status: 401 }).attributes).not.toHaveProperty('user.name');
  });
});

describe('the events of a request', () => {
  test("have for a download the bytes sent, whether it is complete, and the page's address, without secrets", () => {
    const { events } = exchange(`GET /api/files/${ID}/blob?key=s3cret&tracking=false`, {
      sent: { referer: 'https://clowder.example/files/1?key=s3cret', 'user-agent': 'Mozilla/5.0 Firefox/132.0' },
      answered: { 'content-type': 'image/png', 'content-disposition': 'attachment; filename=a.png' },
      answer: Buffer.alloc(1000),
      complete: false,
      options: { instance: 'ours' },
    });
    expect(events).toEqual([
      {
        type: 'view.download',
        attributes: {
          'clowder.captured': true,
          'clowder.source': 'proxy',
          'clowder.event.id': derivedEventId(TRACE, 'view.download', ID),
          'client.address': '192.0.2.7',
          'user_agent.original': 'Mozilla/5.0 Firefox/132.0',
          'clowder.client.kind': 'browser',
          'clowder.auth.method': 'api_key',
          'clowder.instance': 'ours',
          'url.full': `http://clowder.example/api/files/${ID}/blob?key=REDACTED&tracking=false`,
          'http.request.header.referer': 'https://clowder.example/files/1?key=REDACTED',
          'clowder.resource.type': 'file',
          'clowder.resource.id': ID,
          'clowder.file.name': 'a.png',
          'clowder.content_type': 'image/png',
          'clowder.bytes': 1000,
          'clowder.download.complete': false,
          'clowder.download.tracked': false,
        },
      },
    ]);
  });

  test('have for a login the user, and nothing of the password, the token or the session', () => {
    const { events, attributes } = exchange('POST /api/v2/login', {
      sent: { 'content-type': 'application/json' },
      body: '{"email":"ann@c.example","password":"s3cret"}',
      answer: '{"token":"s3cret"}',
    });
    expect(events).toMatchObject([{ type: 'user.login', attributes: { 'user.name': 'ann@c.example' } }]);
    expect(JSON.stringify([events, attributes])).not.toContain('s3cret');
  });

  test('have for a health check its target, its duration, and the version in the answer', () => {
    const { events } = exchange('GET /api/status', { answer: '{"version":{"number":"1.23.0"}}' });
    expect(events[0]?.attributes).toMatchObject({
      'clowder.health.target': 'http://clowder.example/api/status',
      'clowder.health.healthy': true,
      'clowder.health.response_time_ms': expect.any(Number),
      'clowder.version': '1.23.0',
    });
  });

  test('have for a view by a page of v2 the time within which others are the same view', () => {
    const { events } = exchange(`GET /api/v2/files/${ID}/summary`, {
      sent: { 'sec-fetch-mode': 'cors' },
      answer: JSON.stringify({ id: ID, name: 'a.txt', dataset_id: DATASET }),
    });
    expect(events[0]?.attributes).toMatchObject({
      'clowder.collapse_within_s': 30,
      'clowder.resource.name': 'a.txt',
      'clowder.dataset.id': DATASET,
    });
  });

  test('can be read from JSONP', () => {
    const { events, errors } = exchange('POST /api/datasets?callback=cb', {
      sent: { 'content-type': 'application/json' },
      body: '{"name":"Soil"}',
      answered: { 'content-type': 'text/javascript' },
      answer: `cb({"id":"${ID}"});`,
    });
    expect(errors).toEqual([]);
    expect(events[0]?.attributes).toMatchObject({ 'clowder.resource.id': ID, 'clowder.resource.name': 'Soil' });
  });
});

describe('a body that cannot be read costs the event its details only', () => {
  const uploaded = `POST /api/uploadToDataset/${DATASET}`;
  const file = part('name="File"; filename="a.txt"', 'hello');
  const id = `{"id":"${ID}"}`;

  test.each<[string, Exchange, string]>([
    ['a form without a boundary', { sent: { 'content-type': 'multipart/form-data' }, body: form(file), answer: id }, 'malformed_multipart'],
    ['a form without an end', { sent: FORM, body: file, answer: id }, 'malformed_multipart'],
    ['an answer that is not JSON', { answer: '{"id":' }, 'malformed_json'],
    ['an answer shorter than its length', { answered: { 'content-type': 'application/json', 'content-length': '500' }, answer: id.slice(0, 9), complete: false }, 'malformed_json'],
    ['a broken gzip', { answered: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, answer: gzipSync(id).subarray(0, 20) }, 'malformed_encoding'],
    ['an answer that is too long', { answer: `{"x":"${'x'.repeat(70_000)}","id":"${ID}"}` }, 'body_too_large'],
    ['a body that is not JSON', { sent: { 'content-type': 'application/json' }, body: '{"', answer: id }, 'malformed_json'],
  ])('%s', (_what, seen, code) => {
    const { events, errors } = exchange(uploaded, seen);
    expect(errors).toEqual([code]);
    expect(events).toMatchObject([{ type: 'file.uploaded', attributes: { 'clowder.dataset.id': DATASET } }]);
  }); // prettier-ignore

  test('a form that Clowder refuses before its end is not reported as malformed', () => {
    const early = { sent: { ...FORM, 'content-length': '999999' }, body: file, status: 413 };
    expect(exchange(uploaded, early).errors).toEqual([]);
    expect(exchange(uploaded, { sent: FORM, status: 401 }).errors).toEqual([]);
    expect(exchange(uploaded, { sent: FORM, body: 'no form', status: 400 }).errors).toEqual(['malformed_multipart']);
  });

  test('a list that is too long gives the ids that were read, and an upload for each of the rest', () => {
    const names = Array.from({ length: 700 }, (_, index) => `file-${index}.txt`);
    const answer = names.map((name, index) => ({ id: index.toString(16).padStart(24, '0'), name, x: 'x'.repeat(90) }));
    const { events, errors } = exchange(`POST /api/v2/datasets/${DATASET}/filesMultiple`, {
      sent: FORM,
      body: form(...names.map((name) => part(`name="files"; filename="${name}"`, 'x'))),
      answer: JSON.stringify(answer),
    });
    expect(errors).toEqual(['body_too_large']);
    expect(events).toHaveLength(700);
    const ids = events.map(({ attributes }) => attributes['clowder.file.id']);
    expect(ids.filter((one) => one !== undefined).length).toBeGreaterThan(300);
    expect(new Set(events.map(({ attributes }) => attributes['clowder.event.id'])).size).toBe(700);
  });

  test.each(['GET /files/%E0%A4%A', 'GET /datasets/%zz?a=%zz&tracking=%', 'GET //files//x%2Fy', 'GET *', 'GET ?#'])(
    '%s is no event, and does no harm',
    (line) => {
      const { events, errors } = exchange(line, { answered: {}, sent: { referer: '%zz' } });
      expect(events.every(({ type }) => type === 'view.page')).toBe(true);
      expect(errors).toEqual([]);
    },
  );

  test('a capture never throws, whatever the exchange', () => {
    const lines = fc.constantFrom(...LINES);
    const text = fc.string({ maxLength: 60 });
    const header = fc.oneof(text, fc.constantFrom('application/json', 'gzip', FORM['content-type'], 'text/html'));
    const sent = fc.dictionary(
      fc.constantFrom('host', 'content-type', 'content-length', 'cookie', 'authorization', 'referer', 'forwarded', 'range', 'x-forwarded-for'),
      header,
    ); // prettier-ignore
    const answered = fc.dictionary(
      fc.constantFrom('content-type', 'content-encoding', 'content-disposition', 'content-range', 'location', 'set-cookie'),
      header,
    ); // prettier-ignore
    const body = fc.oneof(fc.uint8Array(), fc.json(), fc.constantFrom(form(file), id, '[null]', '{"ids":[{}]}'));
    const status = fc.oneof(fc.constantFrom(200, 201, 206, 303, 304, 307, 503), fc.integer());
    const seen = fc.record({ sent, answered, body, answer: body, status, complete: fc.boolean() });
    const version = fc.constantFrom<ClowderVersion>('v1', 'v2', 'auto');
    fc.assert(
      fc.property(fc.oneof(lines, text), seen, version, fc.boolean(), (line, exchanged, clowder, trustForwarded) => {
        const { errors } = exchange(line, { ...exchanged, options: { clowder, trustForwarded } });
        expect(errors).not.toContain('mapping_failed');
      }),
      runs(2000),
    );
  });
});

test('captures in front and behind are reported, and no others', () => {
  const [own, outer, inner] = ['b7ad6b7169203331', 'aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'];
  const others = (tracestate: string, mark: string) => {
    const { events } = exchange(`GET /api/files/${ID}/blob`, { sent: { tracestate }, answered: { 'x-clowder-captured': mark }, requestId: own }); // prettier-ignore
    return [events[0]?.attributes['clowder.request.outer'], events[0]?.attributes['clowder.request.inner']];
  };
  expect(others(`clowder=${outer},other=1`, inner)).toEqual([outer, inner]);
  expect(others(`clowder=request:${'ab'.repeat(16)}`, own)).toEqual([undefined, undefined]);
  expect(others(`clowder=captured`, '1')).toEqual([undefined, undefined]);
});

describe('a page of Clowder 2 whose call for its content is refused', () => {
  const sent = { referer: `https://clowder.example/files/${ID}`, 'user-agent': 'Mozilla/5.0' };
  test.each([
    ['not found', { status: 404, answer: '{"detail":"File not found"}' }],
    ['without a reason', { status: 200, answer: 'null', answered: { 'content-type': 'application/json' } }],
  ])('is reported as no view: %s', (_why, answered) => {
    const { events } = exchange(`GET /api/v2/files/${ID}/summary`, { sent, ...answered });
    expect(events).toMatchObject([
      { type: 'view.resource', attributes: { 'clowder.view.denied': true, 'clowder.resource.id': ID, 'client.address': '192.0.2.7' } },
    ]); // prettier-ignore
    expect(events[0]?.attributes).not.toHaveProperty('clowder.event.id');
  });

  test('is not reported for another resource, or if another answer may follow', () => {
    const ofOther = { referer: `https://clowder.example/files/${OTHER}` };
    expect(exchange(`GET /api/v2/files/${ID}/summary`, { sent: ofOther, status: 404 }).events).toEqual([]);
    expect(exchange(`GET /api/v2/files/${ID}/summary`, { sent, status: 401 }).events).toEqual([]);
  });
});

const LINES = [
  'GET /', `GET /files/${ID}`, `GET /api/files/${ID}/blob`, `GET /api/v2/public_files/${ID}`, `POST /api/datasets/${ID}/files`,
  'POST /dataset/submit', 'POST /upload', `POST /uploaddnd/${ID}`, 'POST /api/extractions/multiple_uploadby_url',
  `POST /api/datasets/${ID}/urls`, 'POST /api/datasets', 'POST /collection/submit', 'POST /spaces/submit',
  `POST /api/selected/submit/${ID}/%zz,${OTHER}`, 'POST /api/files/bulkRemove', 'POST /authenticate/userpass',
  'GET /api/v2/auth?code=x', 'GET /api/v2/auth/token', 'POST /signup/x', 'GET /healthz', `GET /api/v2/datasets/${ID}`,
  `POST /api/v2/files/${ID}/resubmit_extract`, `PUT /api/v2/files/${ID}`,
]; // prettier-ignore
