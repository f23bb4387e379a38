import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import {
  JsonLogsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeLogs,
  decodeLogsJson,
  decodeMetrics,
  decodeTraces,
  decodeTracesJson,
} from '../../test/support/otlp-decode.ts';
import { pathOf, type Screen } from './screen.ts';
import { runs } from '../../test/support/form.ts';

// A protobuf writer in a few lines: field number and value.
const varint = (value: bigint): number[] =>
  value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];
const tag = (field: number, type: number) => varint(BigInt(field * 8 + type));
const int = (field: number, value: number | bigint) => [...tag(field, 0), ...varint(BigInt.asUintN(64, BigInt(value)))];
const fixed64 = (field: number, value: bigint) => [
  ...tag(field, 1),
  ...new Uint8Array(BigUint64Array.of(value).buffer),
];
const double = (field: number, value: number) => [...tag(field, 1), ...new Uint8Array(Float64Array.of(value).buffer)];
const fixed32 = (field: number, value: number) => [...tag(field, 5), ...new Uint8Array(Uint32Array.of(value).buffer)];
const bytes = (field: number, value: Iterable<number>) => {
  const all = [...value];
  return tag(field, 2).concat(varint(BigInt(all.length)), all);
};
const text = (field: number, value: string) => bytes(field, Buffer.from(value));
const attribute = (field: number, key: string, value: number[]) => bytes(field, [...text(1, key), ...bytes(2, value)]);
const request = (...records: number[][]) =>
  Uint8Array.from(
    bytes(1, [
      ...bytes(1, attribute(1, 'service.name', text(1, 'clowder'))),
      ...bytes(
        2,
        records.flatMap((one) => bytes(2, one)),
      ),
    ]),
  );

const everything: Screen = { request: () => true, metric: () => true };
const nothing: Screen = { request: () => false, metric: () => false };
const explicitEvent = (at: bigint) =>
  bytes(11, [
    ...fixed64(1, at),
    ...text(2, 'clowder.file.uploaded'),
    ...attribute(3, 'clowder.file.id', text(1, 'f1')),
  ]);
const server = (...fields: number[][]) => [...fields.flat(), ...int(6, 2)];
const httpAttributes = [
  attribute(9, 'http.request.method', text(1, 'GET')),
  attribute(9, 'url.path', text(1, '/files/1')),
];

describe('decodeTraces', () => {
  test('decodes every field of a span', () => {
    const span = [
      ...bytes(
        1,
        Array.from({ length: 16 }, () => 0xab),
      ),
      ...bytes(2, [1, 2, 3, 4, 5, 6, 7, 8]),
      ...text(3, 'clowder=captured'),
      ...bytes(
        4,
        Array.from({ length: 8 }, () => 0xcd),
      ),
      ...text(5, 'GET /files'),
      ...int(6, 2),
      ...fixed64(7, 1_700_000_000_123_456_789n),
      ...fixed64(8, 1_700_000_000_999_999_999n),
      ...httpAttributes.flat(),
      ...attribute(9, 'clowder.on', int(2, 1)),
      ...attribute(9, 'clowder.count', int(3, -5)),
      ...attribute(9, 'clowder.long', int(3, 2n ** 62n + 1n)),
      ...attribute(9, 'clowder.ratio', double(4, 0.5)),
      ...attribute(9, 'clowder.list', bytes(5, [...bytes(1, text(1, 'a')), ...bytes(1, int(3, 1))])),
      ...attribute(9, 'clowder.map', bytes(6, attribute(1, 'key', text(1, 'value')))),
      ...attribute(9, 'clowder.raw', bytes(7, [1, 2])),
      ...attribute(9, 'clowder.unset', []),
      ...explicitEvent(7n),
    ];
    expect(decodeTraces(request(span), everything)).toEqual({
      seen: 1,
      refused: [],
      records: [
        {
          traceId: 'ab'.repeat(16),
          spanId: '0102030405060708',
          parentSpanId: 'cd'.repeat(8),
          traceState: 'clowder=captured',
          name: 'GET /files',
          kind: 2,
          startTimeUnixNano: 1_700_000_000_123_456_789n,
          endTimeUnixNano: 1_700_000_000_999_999_999n,
          attributes: {
            'http.request.method': 'GET',
            'url.path': '/files/1',
            'clowder.on': true,
            'clowder.count': -5n,
            'clowder.long': 2n ** 62n + 1n,
            'clowder.ratio': 0.5,
            'clowder.list': ['a', 1n],
            'clowder.map': { key: 'value' },
            'clowder.raw': Uint8Array.of(1, 2),
            'clowder.unset': null,
          },
          events: [{ name: 'clowder.file.uploaded', timeUnixNano: 7n, attributes: { 'clowder.file.id': 'f1' } }],
          resource: { 'service.name': 'clowder' },
        },
      ],
    });
  });

  test('decodes only spans that may be events, and counts all', () => {
    const asked: string[] = [];
    const screen: Screen = {
      ...nothing,
      request: (method, path) => {
        asked.push(`${method} ${path}`);
        return path === '/files/1';
      },
    };
    const body = request(
      server(...httpAttributes),
      server(
        attribute(9, 'http.method', text(1, 'POST')),
        attribute(9, 'http.target', text(1, '/other?to=http://x/files/1')),
      ),
      server(attribute(9, 'http.url', text(1, 'https://h:1/api/a?key=b')), attribute(9, 'http.method', text(1, 'PUT'))),
      [...httpAttributes.flat(), ...int(6, 3)], // a client's span
      explicitEvent(1n),
      bytes(11, text(2, 'exception')),
      server(attribute(9, 'http.method', int(3, 1)), attribute(9, 'http.target', text(1, '/'))), // not text
      [],
    );
    const decoded = decodeTraces(body, screen);
    expect(asked).toEqual(['GET /files/1', 'POST /other', 'PUT /api/a']);
    expect(decoded.seen).toBe(8);
    expect(decoded.records.map((span) => span.events.length)).toEqual([0, 1]);
  });

  test('does not rely on the order of fields', () => {
    const backwards = [
      ...int(6, 2),
      ...bytes(9, [...bytes(2, text(1, '/files/1')), ...text(1, 'url.path')]),
      ...attribute(9, 'http.method', text(1, 'GET')),
    ];
    const body = Uint8Array.from(
      bytes(1, [...bytes(2, bytes(2, backwards)), ...bytes(1, attribute(1, 'service.name', text(1, 'b')))]),
    );
    const [span] = decodeTraces(body, everything).records;
    expect(span?.attributes).toEqual({ 'http.method': 'GET', 'url.path': '/files/1' });
    expect(span?.resource).toEqual({ 'service.name': 'b' });
  });

  test('ignores unknown fields, and leaves ids empty if their length is wrong or they are all zero', () => {
    const span = server(
      ...httpAttributes,
      bytes(1, [1]),
      bytes(
        2,
        Array.from({ length: 8 }, () => 0),
      ),
      text(99, 'new'),
      fixed32(16, 1),
      int(500, 1),
    );
    const [decoded] = decodeTraces(request(span), everything).records;
    expect([decoded?.traceId, decoded?.spanId, decoded?.parentSpanId]).toEqual(['', '', '']);
  });

  test('keeps the attributes that the mapping may read, wherever they are, and a huge one unchanged', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => attribute(9, `a${index}`, text(1, 'x')));
    const [span] = decodeTraces(request(server(...many, ...httpAttributes)), everything).records;
    expect(span?.attributes).toEqual({ 'http.request.method': 'GET', 'url.path': '/files/1' });
    const named = Array.from({ length: 10_000 }, (_, index) => attribute(9, `http.a${index}`, text(1, 'x')));
    const [most] = decodeTraces(request(server(...httpAttributes, ...named)), everything).records;
    expect(Object.keys(most?.attributes ?? {})).toHaveLength(1000);
    const [huge] = decodeTraces(
      request(server(...httpAttributes, attribute(9, 'http.big', text(1, 'x'.repeat(100_000))))),
      everything,
    ).records;
    expect(huge?.attributes['http.big']).toHaveLength(100_000);
  });

  test('takes a very deeply nested value as absent, and does not read what is not needed', () => {
    let nested = text(1, 'deep');
    for (let depth = 0; depth < 40; depth += 1) nested = bytes(5, bytes(1, nested));
    const body = request(
      server(...httpAttributes, attribute(9, 'http.n', nested), bytes(9, [...text(1, 'n'), ...bytes(2, [0x0a, 99])])),
    );
    const { records, refused } = decodeTraces(body, everything);
    expect(refused).toEqual([]);
    const depth = (value: unknown): number => (Array.isArray(value) ? 1 + depth(value[0]) : 0);
    expect(depth(records[0]?.attributes['http.n'])).toBe(33);
  });

  test('survives hostile keys', () => {
    const [span] = decodeTraces(
      request(
        server(...httpAttributes, attribute(9, '__proto__', text(1, 'x')), attribute(9, 'constructor', text(1, 'y'))),
      ),
      everything,
    ).records;
    expect(span?.attributes).toEqual({ 'http.request.method': 'GET', 'url.path': '/files/1' });
    expect(Object.getPrototypeOf(span?.attributes)).toBe(Object.prototype);
  });

  test('refuses only the malformed record', () => {
    const good = explicitEvent(1n);
    const body = request(
      good,
      [...explicitEvent(2n), 0x0b],
      server(...httpAttributes, bytes(9, [...text(1, 'url.full'), ...bytes(2, [0x0a, 99])])),
      good,
    );
    const { records, refused, seen } = decodeTraces(body, everything);
    expect([records.length, seen]).toEqual([2, 4]);
    expect(refused).toEqual([expect.stringContaining('wire type 3'), expect.stringContaining('beyond the end')]);
  });

  test('refuses only a record of more than four mebibytes', () => {
    const long = Buffer.alloc(4 * 1024 * 1024 + 8, 'x');
    const message = (field: number, content: Uint8Array) =>
      Buffer.concat([Uint8Array.from([...tag(field, 2), ...varint(BigInt(content.length))]), content]);
    const records = Buffer.concat([message(2, message(5, long)), message(2, Uint8Array.from(explicitEvent(1n)))]);
    const decoded = decodeTraces(message(1, message(2, records)), everything);
    expect(decoded).toMatchObject({
      records: [{}],
      refused: [expect.stringMatching(/^A record takes \d+ bytes, at most 4194304 are read$/)],
    });
  });

  test('refuses the records of a resource that cannot be read, and no others', () => {
    const group = (resource: number[]) =>
      bytes(1, [...bytes(1, resource), ...bytes(2, [...bytes(2, explicitEvent(1n)), ...bytes(2, [])])]);
    const body = Uint8Array.from([...group([0x0b]), ...group(attribute(1, 'service.name', text(1, 'clowder')))]);
    expect(decodeTraces(body, everything)).toMatchObject({
      records: [{}],
      refused: [expect.stringContaining('wire type 3')],
      seen: 4,
    });
  });

  test('refuses as a whole a request of more than 100,000 records or resources', () => {
    for (const [count, body] of [
      [100_001, Buffer.alloc(200_002, Uint8Array.of(0x0a, 0))],
      [99_998, bytes(1, bytes(2, Buffer.alloc(199_996, Uint8Array.of(0x12, 0))))],
      [99_999, bytes(1, bytes(2, Buffer.alloc(199_998, Uint8Array.of(0x12, 0))))],
    ] as const) {
      const decode = () => decodeTraces(Uint8Array.from(body), nothing);
      if (count > 99_998) expect(decode).toThrow(expect.objectContaining({ code: 'batch_too_large' }));
      else expect(decode().seen).toBe(count);
    }
  });

  test('refuses a truncated body, and keeps nothing of it', () => {
    const whole = request(explicitEvent(1n), explicitEvent(2n));
    for (let length = 1; length < whole.length; length += 1)
      expect(() => decodeTraces(whole.subarray(0, length), everything)).toThrow(
        expect.objectContaining({ name: 'CollectorError', code: 'malformed_protobuf' }),
      );
  });

  test('reads the same from protobuf and JSON as the OpenTelemetry SDK writes it', () => {
    const exporter = new InMemorySpanExporter();
    const provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'clowder' }),
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
    });
    const tracer = provider.getTracer('test');
    const parent = tracer.startSpan('parent', { kind: SpanKind.CLIENT });
    const span = tracer.startSpan(
      'GET',
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': 'GET',
          'url.path': '/é',
          'http.size': 3,
          'http.ratio': 0.25,
          'http.ok': true,
          'http.list': ['a', 'b'],
        },
      },
      trace.setSpan(ROOT_CONTEXT, parent),
    );
    span.addEvent('clowder.user.login', { 'clowder.user.id': 'u1' });
    span.end();
    parent.end();
    const spans = exporter.getFinishedSpans();
    const [fromProtobuf, fromJson] = [
      decodeTraces(written(ProtobufTraceSerializer.serializeRequest(spans)), everything),
      decodeTracesJson(written(JsonTraceSerializer.serializeRequest(spans)), everything),
    ];
    expect(fromProtobuf).toEqual(fromJson);
    expect(fromProtobuf.seen).toBe(2);
    const { spanId, traceId } = span.spanContext();
    expect(fromProtobuf.records).toMatchObject([
      {
        spanId,
        traceId,
        parentSpanId: parent.spanContext().spanId,
        kind: 2,
        name: 'GET',
        resource: { 'service.name': 'clowder' },
      },
    ]);
    expect(fromProtobuf.records[0]?.attributes).toEqual({
      'http.request.method': 'GET',
      'url.path': '/é',
      'http.size': 3n,
      'http.ratio': 0.25,
      'http.ok': true,
      'http.list': ['a', 'b'],
    });
  });

  test('fails only with malformed_protobuf, whatever comes', () => {
    const valid = request(
      server(
        ...httpAttributes,
        bytes(
          1,
          Array.from({ length: 16 }, () => 1),
        ),
        explicitEvent(1n),
        attribute(9, 'list', bytes(5, bytes(1, text(1, 'a')))),
        attribute(9, 'n', int(3, -1)),
      ),
    );
    const mutation = fc.record({ at: fc.nat(valid.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 8 }), fc.nat(valid.length), (mutations, length) => {
        const body = Uint8Array.from(valid);
        for (const { at, to } of mutations) body[at] = to;
        for (const decode of [decodeTraces, decodeLogs, decodeMetrics]) {
          for (const input of [body, body.subarray(0, length)]) {
            try {
              decode(input, everything);
            } catch (error) {
              expect(error).toMatchObject({ name: 'CollectorError', code: 'malformed_protobuf' });
            }
          }
        }
      }),
      runs(1000),
    );
  });
});

describe('decodeLogs', () => {
  test('decodes explicit events with either form of their name, and access-log records; others are counted', () => {
    const body = request(
      [
        ...text(12, 'clowder.user.login'),
        ...fixed64(1, 5n),
        ...fixed64(11, 6n),
        ...bytes(5, text(1, 'body')),
        ...attribute(6, 'clowder.user.id', text(1, 'u')),
        ...bytes(
          9,
          Array.from({ length: 16 }, () => 1),
        ),
        ...bytes(
          10,
          Array.from({ length: 8 }, () => 2),
        ),
        ...fixed32(8, 1),
        ...int(2, 9),
      ],
      attribute(6, 'event.name', text(1, 'clowder.view.page')),
      [...attribute(6, 'http.request.method', text(1, 'GET')), ...attribute(6, 'url.path', text(1, '/'))],
      [...text(12, 'other'), ...bytes(5, text(1, 'x'))],
    );
    const { records, seen } = decodeLogs(body, everything);
    expect(seen).toBe(4);
    expect(records[0]).toEqual({
      eventName: 'clowder.user.login',
      timeUnixNano: 5n,
      observedTimeUnixNano: 6n,
      body: 'body',
      attributes: { 'clowder.user.id': 'u' },
      traceId: '01'.repeat(16),
      spanId: '02'.repeat(8),
      resource: { 'service.name': 'clowder' },
    });
    expect(records.slice(1).map((log) => log.eventName)).toEqual(['clowder.view.page', '']);
    expect(decodeLogs(body, nothing).records).toHaveLength(2);
  });

  test('finds every record of an access log on request, and the values that it is counted by', () => {
    const line = (...attributes: number[][]) => [...fixed64(1, 5n), ...attributes.flat()];
    const body = request(
      line(
        attribute(6, 'http.request.method', text(1, 'GET')),
        attribute(6, 'nginx.upstream.status', text(1, '200')),
        attribute(6, 'http.response.status_code', int(3, 200)),
      ),
      line(attribute(6, 'http.request.method', text(1, 'GET'))),
      [...text(12, 'clowder.view.page'), ...line(attribute(6, 'http.response.status_code', int(3, 200)))],
      line(attribute(6, 'http.status_code', int(3, 404))),
    );
    expect(decodeLogs(body, everything).access).toEqual([]);
    const { access, records, seen } = decodeLogs(body, { ...nothing, accessLog: true });
    expect([records.length, seen]).toEqual([1, 4]);
    const common = { timeUnixNano: 5n, observedTimeUnixNano: 0n, traceId: '', resource: { 'service.name': 'clowder' } };
    expect(access).toEqual([
      { ...common, attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200n } },
      { ...common, attributes: { 'http.status_code': 404n } },
    ]);
  });

  test('finds the same records of an access log in protobuf and in JSON', () => {
    const exporter = new InMemoryLogRecordExporter();
    const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
    const logger = provider.getLogger('test');
    logger.emit({ timestamp: 1, attributes: { 'http.response.status_code': 200, 'client.address': '192.0.2.1' } });
    logger.emit({ timestamp: 2, attributes: { other: 1 } });
    const logs = exporter.getFinishedLogRecords();
    const screen: Screen = { ...nothing, accessLog: true };
    const { access } = decodeLogs(written(ProtobufLogsSerializer.serializeRequest(logs)), screen);
    expect(access).toHaveLength(1);
    expect(decodeLogsJson(written(JsonLogsSerializer.serializeRequest(logs)), screen).access).toMatchObject(access);
  });

  test('reads the same from protobuf and JSON as the OpenTelemetry SDK writes it', () => {
    const exporter = new InMemoryLogRecordExporter();
    const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
    provider.getLogger('test').emit({
      eventName: 'clowder.file.uploaded',
      severityNumber: 9,
      timestamp: 1_700_000_000_123,
      body: { a: [1, 'b'] },
      attributes: { 'clowder.file.id': 'f' },
    });
    const logs = exporter.getFinishedLogRecords();
    const fromProtobuf = decodeLogs(written(ProtobufLogsSerializer.serializeRequest(logs)), nothing);
    expect(fromProtobuf).toEqual(decodeLogsJson(written(JsonLogsSerializer.serializeRequest(logs)), nothing));
    expect(fromProtobuf.records).toMatchObject([
      {
        eventName: 'clowder.file.uploaded',
        timeUnixNano: 1_700_000_000_123_000_000n,
        body: { a: [1n, 'b'] },
        attributes: { 'clowder.file.id': 'f' },
      },
    ]);
  });
});

describe('decodeMetrics', () => {
  test('decodes number points of the wanted gauges and sums, and counts all points', () => {
    const point = (value: number[]) =>
      bytes(1, [...attribute(7, 'clowder.health.target', text(1, 'mongo')), ...fixed64(3, 9n), ...value]);
    const metric = (name: string, kind: number, ...points: number[][]) => [
      ...text(1, name),
      ...text(3, '1'),
      ...bytes(kind, points.flat()),
    ];
    const body = request(
      metric('up', 5, point(double(4, 0.5)), point(fixed64(6, BigInt.asUintN(64, -2n)))),
      // No value, or the flag for no recorded value: not a reading.
      metric('up', 5, point([]), point([...double(4, 0), ...int(8, 1)])),
      metric('n', 7, point(fixed64(6, 3n))),
      metric('h', 9, point([])),
    );
    const { records, seen } = decodeMetrics(body, { ...nothing, metric: (name) => name === 'up' });
    expect(seen).toBe(6);
    expect(records.map((one) => one.value)).toEqual([0.5, -2]);
    expect(records[0]).toEqual({
      name: 'up',
      unit: '1',
      timeUnixNano: 9n,
      value: 0.5,
      attributes: { 'clowder.health.target': 'mongo' },
      resource: { 'service.name': 'clowder' },
    });
  });
});

test.each([
  ['/a/b', '/a/b'],
  ['/a?u=http://h/b', '/a'],
  ['https://h:80/a/b?c#d', '/a/b'],
  ['https://h', '/'],
  ['http://h?x=/y', '/'],
])('the path of %s is %s', (target, path) => {
  expect(pathOf(target)).toBe(path);
});

function written(message: Uint8Array | undefined): Uint8Array {
  if (message === undefined) throw new Error('nothing was serialized');
  return message;
}
