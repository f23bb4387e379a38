import { describe, expect, test } from 'vitest';
import { derivedEventId } from './event-id.ts';
import { createMapContext } from './map/context.ts';
import { mapLog, mapSpan } from './map.ts';
import { checkStated } from './stated.ts';
import { redactUrl } from './redaction.ts';
import { HealthReadings } from './map-metrics.ts';
import type { AttributeValue, Attributes, LogRecord, SpanRecord } from './telemetry.ts';

const NOW = Date.UTC(2026, 10, 24);
const context = createMapContext({ now: () => NOW, dayKey: (day) => `key of ${day}`, instance: 'ours' });
const FILE = '5f1e00000000000000000001';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const nano = (ms: number): bigint => BigInt(ms) * 1_000_000n;

function span(attributes: Attributes, more: Partial<SpanRecord> = {}): SpanRecord {
  return {
    traceId: TRACE,
    spanId: 'b7ad6b7169203331',
    parentSpanId: '',
    traceState: '',
    name: 'GET',
    kind: 2,
    startTimeUnixNano: nano(NOW - 1000),
    endTimeUnixNano: nano(NOW - 900),
    attributes,
    events: [],
    resource: {},
    ...more,
  };
}

function log(eventName: string, attributes: Attributes, more: Partial<LogRecord> = {}): LogRecord {
  return {
    timeUnixNano: nano(NOW - 500),
    observedTimeUnixNano: 0n,
    eventName,
    body: undefined,
    attributes,
    resource: {},
    traceId: '',
    spanId: '',
    ...more,
  };
}

const download: Attributes = {
  'http.request.method': 'GET',
  'url.path': `/api/files/${FILE}/blob`,
  'url.query': 'key=s3cret',
  'url.scheme': 'https',
  'server.address': 'clowder.example',
  'http.response.status_code': 200n,
  'client.address': '192.0.2.77',
  'user_agent.original': 'curl/8.5',
  'http.response.body.size': 42n,
};

const formerDownload: Attributes = {
  'http.method': 'GET',
  'http.target': `/api/files/${FILE.toUpperCase()}/blob?key=s3cret`,
  'http.status_code': 200,
  'net.peer.ip': '192.0.2.77',
  'http.user_agent': 'curl/8.5',
};

const nested = (depth: number): AttributeValue => (depth === 0 ? 'x' : [nested(depth - 1)]);

describe('mapping telemetry', () => {
  test('a server span of a download becomes a described event without its secrets and the full address', () => {
    const { candidates, rejected } = mapSpan(span(download), context);
    expect(rejected).toEqual([]);
    expect(candidates).toHaveLength(1);
    expect(candidates[0]?.waits).toBe(false);
    expect(candidates[0]?.body).toMatchObject({
      event: 'view.download',
      created: NOW - 1000,
      source: 'sdk',
      resource_id: FILE,
      resource_type: 'file',
      url: `https://clowder.example/api/files/${FILE}/blob?key=REDACTED`,
      client_address: '192.0.2.0',
      client_kind: 'api',
      bytes: 42,
      size: 42,
      category: 'download',
      type: 'file',
      clowder_instance: 'ours',
      trace_id: TRACE,
    });
    expect(JSON.stringify(candidates)).not.toContain('s3cret');
    expect(JSON.stringify(candidates)).not.toContain('192.0.2.77');
  });

  test('both generations of semantic conventions and the access log give the same event id', () => {
    const ids = [
      mapSpan(span(download), context),
      mapSpan(span(formerDownload, { spanId: '00f067aa0ba902b7' }), context),
      mapLog(log('', download, { traceId: TRACE }), context),
    ].map((result) => result.candidates[0]?.body.event_id);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  test('every observer of a request recognises the same extractors, if their addresses are configured', () => {
    const request = {
      ...download,
      'user_agent.original': 'python-requests/2.32.3',
      'clowder.client.kind': 'extractor',
    };
    const told = { 'clowder.resource.id': FILE, 'clowder.resource.type': 'file', 'clowder.source': 'proxy' };
    const kinds = (isExtractor: (address: string) => boolean) =>
      [
        mapSpan(span(request), { ...context, isExtractor }),
        mapLog(log('', request), { ...context, isExtractor }),
        mapLog(log('clowder.view.download', { ...request, ...told }), { ...context, isExtractor }),
      ].map((result) => result.candidates[0]?.body['client_kind']);
    expect(kinds(() => false)).toEqual(['api', 'api', 'api']);
    expect(kinds((address) => address === '192.0.2.77')).toEqual(['extractor', 'extractor', 'extractor']);
  });

  test('a span of an ASGI server keeps the query, which only the full address has', () => {
    const asgi = {
      'http.method': 'GET',
      'http.target': '/api/v2/files/5f1e00000000000000000001',
      'http.url': 'http://clowder/api/v2/files/5f1e00000000000000000001?increment=false&version=2#x',
      'http.status_code': 200,
    };
    expect(mapSpan(span(asgi), context).candidates[0]?.body).toMatchObject({ tracked: false, version: 2 });
  });

  test("a line of an access log has the request's user name only if Clowder must have checked it", () => {
    const line = (method: string) => log('', { ...download, 'http.request.method': method, 'user.name': 'made-up' });
    expect(mapLog(line('GET'), context).candidates[0]?.body).not.toHaveProperty('user_name');
    const deleted = {
      ...download,
      'http.request.method': 'DELETE',
      'user.name': 'ann',
      'url.path': '/api/files/5f1e00000000000000000001',
    };
    expect(mapLog(log('', deleted), context).candidates[0]?.body['user_name']).toBe('ann');
  });

  test("an observation marked by tracestate or by the logged header waits for the capture's own", () => {
    expect(mapSpan(span(download, { traceState: 'a=b, clowder=captured' }), context).candidates[0]?.waits).toBe(true);
    const logged = log('', { ...download, 'http.response.header.x-clowder-captured': ['1'] }, { traceId: TRACE });
    expect(mapLog(logged, context).candidates[0]?.waits).toBe(true);
    expect(mapSpan(span(download, { traceState: 'clowder=other' }), context).candidates[0]?.waits).toBe(false);
  });

  test('client spans, failed requests and unrelated telemetry are no events', () => {
    expect(mapSpan(span(download, { kind: 3 }), context).candidates).toEqual([]);
    expect(mapSpan(span({ ...download, 'http.response.status_code': 404 }), context).candidates).toEqual([]);
    expect(mapSpan(span({ ...download, 'url.path': '/api/v2/jobs' }), context).candidates).toEqual([]);
    expect(mapLog(log('', { message: 'hello' }), context).candidates).toEqual([]);
  });

  test('an explicit log record is an event, and the same record again is the same event', () => {
    const record = log('clowder.extraction.working', {
      'clowder.file.id': FILE,
      'clowder.extraction.message': 'tiling, key=s3cret',
    });
    const [first, second] = [mapLog(record, context), mapLog(record, context)];
    expect(first.candidates[0]?.body).toMatchObject({
      event: 'extraction.working',
      created: NOW - 500,
      file_id: FILE,
      resource_id: FILE,
      resource_type: 'file',
      type: 'file',
      category: 'extraction_working',
    });
    expect(first.candidates[0]?.body.event_id).toBe(second.candidates[0]?.body.event_id);
    expect(JSON.stringify(first)).not.toContain('s3cret');
  });

  test('a span event with the same name is accepted too', () => {
    const events = [{ name: 'clowder.file.deleted', timeUnixNano: nano(NOW), attributes: { 'clowder.file.id': FILE } }];
    expect(mapSpan(span({}, { kind: 1, events }), context).candidates[0]?.body).toMatchObject({
      event: 'file.deleted',
      file_id: FILE,
    });
  });

  test.each([
    ['an unknown type', log('clowder.file.eaten', {}), /event is not an event type, was "file\.eaten"/],
    ['a missing field', log('clowder.file.deleted', {}), /^clowder\.file\.id is missing/],
    [
      'the year 1900',
      log('clowder.file.deleted', { 'clowder.file.id': FILE }, { timeUnixNano: nano(1000) }),
      /created is out of range/,
    ],
    [
      'the year 2200',
      log('clowder.file.deleted', { 'clowder.file.id': FILE }, { timeUnixNano: nano(Date.UTC(2200, 0, 1)) }),
      /created is out of range/,
    ],
    [
      'a megabyte of text',
      log('clowder.extraction.working', { 'clowder.file.id': FILE, 'clowder.extraction.message': 'x'.repeat(2 ** 20) }),
      /message .*at most 32768/,
    ],
    [
      'a wrong value under a former name',
      log('clowder.user.login', { 'enduser.id': 'u\nv' }),
      /^enduser\.id has control characters/,
    ],
    [
      'a deeply nested list',
      log('clowder.file.deleted', { 'clowder.file.id': nested(33) }),
      /^clowder\.file\.id .*was \[\[/,
    ],
    [
      '200,000 refuted ids',
      log('clowder.capture.refuted', { 'clowder.refuted.ids': `${'0'.repeat(32)},`.repeat(200_000) }),
      /has 200001 ids, may have at most 1000/,
    ],
  ])('rejects an explicit record with %s, and says why', (_what, record, reason) => {
    const { candidates, rejected } = mapLog(record, context);
    expect(candidates).toEqual([]);
    expect(rejected[0]?.message).toMatch(reason);
    expect(rejected[0]?.message.length).toBeLessThan(2000);
  });

  test.each(['https://h/?a=\ud800%3Fkey=1', 'https://h/signup/\udfff', '/private.\ud800.x/%3F', '/%70rivate.\ud800'])(
    'a URL with half a surrogate pair is not an error: %j',
    (url) => {
      const { candidates } = mapLog(log('clowder.view.page', { 'url.full': url }), context);
      expect(candidates).toHaveLength(1);
      expect(() => redactUrl(url)).not.toThrow();
    },
  );

  test.each([1e308, -1, 1e12])('a duration of %d seconds counts as none', (duration) => {
    const line = {
      'http.request.method': 'GET',
      'url.path': `/api/files/${FILE}/blob`,
      'http.response.status_code': 200n,
      'http.server.request.duration': duration,
    };
    expect(mapLog(log('', line), context).candidates[0]?.body).toMatchObject({
      event: 'view.download',
      created: Number(log('', {}).timeUnixNano / 1_000_000n),
    });
  });

  test('unknown clowder attributes are reported, and the event is accepted', () => {
    const attributes = {
      'clowder.file.id': FILE,
      'clowder.extraction.duration': 5n,
      'clowder.byts': 1n,
      'clowder.zzz': 1n,
    };
    expect(mapLog(log('clowder.extraction.done', attributes), context)).toMatchObject({
      candidates: [{ body: { file_id: FILE } }],
      rejected: [],
      warnings: [
        'There is no attribute "clowder.extraction.duration", perhaps clowder.extraction.duration_ms was meant: it was left out',
        'There is no attribute "clowder.byts", perhaps clowder.bytes was meant: it was left out',
        'There is no attribute "clowder.zzz": it was left out',
      ],
    });
  });

  test('a point without a number is not a reading', () => {
    const readings = new HealthReadings(context);
    const point = { name: 'clowder.health.up', unit: '1', timeUnixNano: nano(NOW), resource: {} };
    readings.add({ ...point, value: Number.NaN, attributes: { 'clowder.health.target': 't' } });
    expect([...readings.pings()]).toEqual([]);
  });

  test('points of one health check become one reading', () => {
    const at = {
      unit: '',
      timeUnixNano: nano(NOW),
      resource: {},
      attributes: { 'http.url': 'http://clowder:9000/healthz' },
    };
    const readings = new HealthReadings(context);
    for (const point of [
      {
        ...at,
        name: 'httpcheck.status',
        value: 1,
        attributes: { ...at.attributes, 'http.status_class': '2xx', 'http.status_code': 200n },
      },
      { ...at, name: 'httpcheck.status', value: 0, attributes: { ...at.attributes, 'http.status_class': '5xx' } },
      { ...at, name: 'httpcheck.duration', value: 12, unit: 'ms' },
    ])
      readings.add(point);
    const bodies = [...readings.pings()].flatMap(({ candidates }) => candidates.map((one) => one.body));
    expect(bodies).toMatchObject([
      { event: 'health.ping', healthy: true, response_time_ms: 12, target: 'http://clowder:9000/healthz' },
    ]);
  });
});

describe('stating an event', () => {
  const poster = { source: 'api', eventId: 'e1' } as const;

  test('a posted event is completed with id, time, resource and v1 names', () => {
    const described = checkStated(
      { event: 'file.uploaded', file_id: FILE, file_name: 'a.txt', bytes: 3 },
      poster,
      context,
    );
    expect(described).toMatchObject({
      ok: true,
      body: {
        event_id: 'e1',
        created: NOW,
        source: 'api',
        resource_id: FILE,
        resource_name: 'a.txt',
        category: 'upload',
        type: 'file',
        size: 3,
      },
    });
  });

  test.each([
    [{ event: 'file.uploaded' }, 'file_id'],
    [{ event: 'file.uploaded', file_id: FILE, file_nam: 'a' }, 'file_nam'],
    [{ event: 'file.uploaded', file_id: FILE, bytes: 'many' }, 'bytes'],
    [{ event: 'file.uploaded', file_id: FILE, created: Number.NaN }, 'created'],
    [{ event: 'view.page' }, 'url'],
    [{ event: 'nothing' }, 'event'],
    [{}, 'event'],
    [[], ''],
  ])('%j is refused for its field %s', (value, field) => {
    const described = checkStated(value, poster, context);
    expect(described.ok).toBe(false);
    if (!described.ok) expect(described.issues.map((issue) => issue.field)).toContain(field);
  });
});

test('a record of the capture refutes events by their ids, and nothing else in it counts', () => {
  const id = 'a'.repeat(32);
  const result = mapLog(log('clowder.capture.refuted', { 'clowder.refuted.ids': `${id},no id` }), context);
  expect(result).toEqual({ candidates: [], rejected: [], refuted: [id] });
});

describe('views of a resource that may be the same', () => {
  const browser = {
    'user_agent.original': 'Mozilla/5.0',
    'client.address': '192.0.2.7',
    'http.request.header.referer': 'x',
  };
  const get = (path: string, more: Attributes = {}) =>
    mapSpan(
      span({ 'http.request.method': 'GET', 'url.path': path, 'http.response.status_code': 200n, ...browser, ...more }),
      context,
    ).candidates[0];
  const html = { 'http.response.header.content-type': 'text/html' };

  test('have one key for a page and its call, which also gives the time for folding', () => {
    const page = get(`/files/${FILE}`, html);
    const call = get(`/api/v2/files/${FILE}/summary`);
    expect([page?.body.event, call?.body.event]).toEqual(['view.resource', 'view.resource']);
    expect(page?.collapse).toEqual({ key: expect.stringContaining(FILE) as string, as: 'page', awaitsCall: true });
    expect(call?.collapse).toEqual({ key: page?.collapse?.key, as: 'call', withinMs: 30_000 });
  });

  test('have another key for another client, and none for an unknown client', () => {
    const page = get(`/files/${FILE}`, html);
    expect(get(`/files/${FILE}`, { ...html, 'client.address': '192.0.2.8' })?.collapse?.key).not.toBe(
      page?.collapse?.key,
    );
    expect(get(`/files/${FILE}`, { ...html, 'client.address': undefined })).not.toHaveProperty('collapse');
  });

  test("have a key if they are the proxy's own events, and none if a program states them", () => {
    const attributes = {
      'clowder.resource.type': 'file',
      'clowder.resource.id': FILE,
      'user.id': 'u',
      'clowder.source': 'proxy',
    };
    const stated = (more: Attributes) =>
      mapLog(log('clowder.view.resource', { ...attributes, ...more }, { traceId: TRACE }), context).candidates[0];
    expect(stated({})?.collapse).toEqual({ key: `u|${FILE}`, as: 'page', awaitsCall: true });
    expect(stated({ 'clowder.collapse_within_s': 30 })?.collapse).toEqual({
      key: `u|${FILE}`,
      as: 'call',
      withinMs: 30_000,
    });
    expect(stated({ 'clowder.source': 'sdk' })).not.toHaveProperty('collapse');
  });
});

describe('an event that claims to come from a capture', () => {
  const REQUEST = 'b7ad6b7169203331';
  const ID = derivedEventId(REQUEST, 'view.download', FILE);
  const said: Attributes = {
    'clowder.captured': true,
    'clowder.request.id': REQUEST,
    'clowder.event.id': ID,
    'clowder.resource.type': 'file',
    'clowder.resource.id': FILE,
  };
  const others = { ...context, believesCaptures: false };
  const mapped = (more: Attributes, of = context) => mapLog(log('clowder.view.download', { ...said, ...more }), of);

  test.each(['proxy', 'sdk'])("is accepted as the capture's by its mark, whatever its source: %s", (source) => {
    const [candidate] = mapped({ 'clowder.source': source }).candidates;
    expect(candidate).toMatchObject({ strong: true, requestKey: `${REQUEST}|view.download`, body: { source } });
    expect(candidate).not.toHaveProperty('stated');
  });

  test('is an ordinary observation if the sender may not act as a capture, and the sender is told', () => {
    const { candidates, warnings } = mapped({}, others);
    expect(candidates).toMatchObject([{ strong: false, waits: false, body: { event_id: ID } }]);
    expect(candidates[0]).not.toHaveProperty('requestKey');
    expect(candidates[0]).not.toHaveProperty('stated');
    expect(warnings).toEqual([expect.stringMatching(/lacks the scope capture/)]);
    // Like a backend's span that cannot name what was stored.
    const unnamed = mapLog(log('clowder.file.uploaded', { ...said, 'clowder.event.id': derivedEventId(REQUEST, 'file.uploaded', '') }), others); // prettier-ignore
    expect(unnamed.candidates).toMatchObject([{ strong: false, requestKey: `${REQUEST}|file.uploaded` }]);
  });

  test.each([
    ['another id', { 'clowder.event.id': 'ab'.repeat(16) }],
    ['the id of another request', { 'clowder.request.id': 'c7ad6b7169203331' }],
    ['the id of another resource', { 'clowder.resource.id': '5f1e00000000000000000002' }],
    ['an id without a request', { 'clowder.request.id': undefined }],
  ])('has only an id of its own if the sender may not act as a capture: %s', (_what, more) => {
    expect(mapped(more, others).candidates).toMatchObject([{ strong: false, stated: true }]);
    expect(mapped({ ...more, 'clowder.source': 'proxy' }, others).candidates).toMatchObject([{ strong: false, stated: true }]); // prettier-ignore
  });

  test('refutes and denies nothing if the sender may not act as a capture', () => {
    const refuted = log('clowder.capture.refuted', { 'clowder.captured': true, 'clowder.refuted.ids': ID });
    expect(mapLog(refuted, context).refuted).toEqual([ID]);
    expect(mapLog(refuted, others).refuted).toBeUndefined();
    const denied = log('clowder.view.resource', { ...said, 'clowder.view.denied': true, 'user.id': 'u' });
    expect(mapLog(denied, context).denied).toHaveLength(1);
    expect(mapLog(denied, others)).toMatchObject({ candidates: [], warnings: [expect.stringMatching(/capture/)] });
    expect(mapLog(denied, others).denied).toBeUndefined();
  });
});

test('a log line that cannot be parsed is rejected with its place, and kept', () => {
  const place = { 'log.file.path': '/var/log/nginx/clowder.json', 'log.file.record_offset': 812n };
  const result = mapLog(log('clowder.unparsed', place, { body: 'half a li' }), context);
  expect(result.candidates).toEqual([]);
  expect(result.rejected).toEqual([
    {
      code: 'unparsed_line',
      message: expect.stringMatching(/^A line of \/var\/log\/nginx\/clowder\.json, at byte 812, /) as string,
      record: { line: 'half a li', 'log.file.path': '/var/log/nginx/clowder.json', 'log.file.record_offset': '812' },
    },
  ]);
});

test('two equal lines within a second are two events if their places differ, and one if a line is read again', () => {
  const line = (offset: bigint): string | undefined =>
    mapLog(log('', { ...download, 'log.file.record_offset': offset }), context).candidates[0]?.body.event_id;
  expect(line(0n)).toBe(line(0n));
  expect(line(0n)).not.toBe(line(99n));
});
