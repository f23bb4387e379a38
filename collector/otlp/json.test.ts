import { describe, expect, test } from 'vitest';
import { decodeLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts';
import type { Screen } from './screen.ts';

const everything: Screen = { request: () => true, metric: () => true };
const SPAN = {
  kind: 2,
  attributes: [
    { key: 'http.request.method', value: { stringValue: 'GET' } },
    { key: 'url.path', value: { stringValue: '/' } },
  ],
};

function spans(json: string | object) {
  return decodeTracesJson(Buffer.from(typeof json === 'string' ? json : JSON.stringify(json)), everything);
}
const withSpan = (fields: object) => spans({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...SPAN, ...fields }] }] }] });
const withAttribute = (value: object) =>
  withSpan({ attributes: [...SPAN.attributes, { key: 'a', value }] }).records[0]?.attributes['a'];
const AT = 'resourceSpans[0].scopeSpans[0].spans[0]';

describe('OTLP/JSON', () => {
  test('an empty request is a request', () => {
    expect(spans('{}')).toEqual({ records: [], seen: 0 });
    expect(spans('')).toEqual({ records: [], seen: 0 });
    expect(spans({ resourceSpans: [{ scopeSpans: [{ spans: [] }] }] }).seen).toBe(0);
  });

  test('ids are hex in either case', () => {
    const [span] = withSpan({ traceId: 'AbCdEf0123456789AbCdEf0123456789', spanId: '0123456789ABCDEF' }).records;
    expect([span?.traceId, span?.spanId]).toEqual(['abcdef0123456789abcdef0123456789', '0123456789abcdef']);
  });

  test.each([
    ['an id of wrong length', { traceId: 'abc' }, `${AT}.traceId must be 32 hex digits`],
    ['an id in base64', { spanId: 'AAAAAAAAAAE=AAAA' }, `${AT}.spanId must be 16 hex digits`],
    ['an enum name', { kind: 'SPAN_KIND_SERVER' }, `${AT}.kind must be an integer`],
    ['an enum name in status', { status: { code: 'STATUS_CODE_OK' } }, `${AT}.status.code must be an integer`],
    ['a time that is NaN', { startTimeUnixNano: 'NaN' }, `${AT}.startTimeUnixNano must be a non-negative integer`],
    ['a negative time', { startTimeUnixNano: -1 }, `${AT}.startTimeUnixNano must be a non-negative integer`],
    ['a fractional time', { endTimeUnixNano: 1.5 }, `${AT}.endTimeUnixNano must be a non-negative integer`],
    [
      'a time beyond 64 bits',
      { endTimeUnixNano: '18446744073709551616' },
      `${AT}.endTimeUnixNano must be less than 2^64`,
    ],
    ['attributes that are no array', { attributes: {} }, `${AT}.attributes must be an array`],
    ['an event that is no object', { events: [1] }, `${AT}.events[0] must be an object`],
  ])('%s is refused by its path', (_, fields, message) => {
    expect(() => withSpan(fields)).toThrow(
      expect.objectContaining({ code: 'invalid_json', message: expect.stringContaining(message) }),
    );
  });

  test('nanoseconds given as numbers never pass through a double', () => {
    const [span] =
      spans(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":2,"startTimeUnixNano":1700000000123456789,"endTimeUnixNano": 1700000000123456789 ,
      "attributes":[{"key":"http.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/"}},{"key":"n","value":{"intValue":-9007199254740993}}]}]}]}]}`).records;
    expect([span?.startTimeUnixNano, span?.endTimeUnixNano]).toEqual([
      1_700_000_000_123_456_789n,
      1_700_000_000_123_456_789n,
    ]);
    expect(span?.attributes['n']).toBe(-9_007_199_254_740_993n);
    expect(() =>
      spans('{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":1700000000123456789.5}]}]}]}'),
    ).toThrow('startTimeUnixNano must be');
  });

  test('a text that looks like such a number stays as it is', () => {
    const value = '{"timeUnixNano":1700000000123456789}';
    expect(withAttribute({ stringValue: value })).toBe(value);
  });

  test('reads every kind of value', () => {
    expect(withAttribute({ intValue: '5' })).toBe(5n);
    expect(withAttribute({ intValue: 5 })).toBe(5n);
    expect(withAttribute({ boolValue: false })).toBe(false);
    expect(withAttribute({ doubleValue: 'Infinity' })).toBe(Infinity);
    expect(withAttribute({ bytesValue: 'AQI=' })).toEqual(Uint8Array.of(1, 2));
    expect(withAttribute({ arrayValue: { values: [{ stringValue: 'a' }] } })).toEqual(['a']);
    expect(withAttribute({ kvlistValue: { values: [{ key: 'k', value: {} }] } })).toEqual({ k: null });
    expect(() => withAttribute({ intValue: '9223372036854775808' })).toThrow('64 bits');
    expect(() => withAttribute({ stringValue: 1 })).toThrow('attributes[2].value.stringValue must be a string');
  });

  test('of 10,000 attributes those are kept that the mapping may read, wherever they stand', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({ key: `a${index}`, value: { stringValue: 'x' } }));
    const [span] = withSpan({ attributes: [...many, ...SPAN.attributes] }).records;
    expect(span?.attributes).toEqual({ 'http.request.method': 'GET', 'url.path': '/' });
    const [most] = withSpan({
      attributes: [...SPAN.attributes, ...many.map(({ key, value }) => ({ key: `http.${key}`, value }))],
    }).records;
    expect(Object.keys(most?.attributes ?? {})).toHaveLength(1000);
  });

  test('unknown fields, snake_case and prototype keys do nothing', () => {
    const { records } = spans(
      '{"resource_spans":[1],"resourceSpans":[{"new":{},"__proto__":{"x":1},"scopeSpans":[{"spans":[{"trace_id":1,"kind":2,"attributes":[{"key":"http.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/"}},{"key":"__proto__","value":{"kvlistValue":{"values":[]}}}]}]}]}]}',
    );
    expect(records[0]?.traceId).toBe('');
    expect(Object.keys(records[0]?.attributes ?? {})).toEqual(['http.method', 'url.path']);
  });

  test.each(['{', 'null x', '[]', '"a"', '{"resourceSpans":NaN}'])('%s is refused', (body) => {
    expect(() => spans(body)).toThrow(expect.objectContaining({ name: 'CollectorError', code: 'invalid_json' }));
  });

  test('invalid UTF-8 is refused', () => {
    expect(() => decodeTracesJson(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), everything)).toThrow('not valid UTF-8');
  });

  test('deep nesting is refused, not a crash', () => {
    const deep = `{"arrayValue":{"values":[`.repeat(100_000) + `]}}`.repeat(100_000);
    expect(() => spans(`{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":${deep}}]}}]}`)).toThrow(
      'nested deeper than 32',
    );
    const kind = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(() => spans(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":${kind}}]}]}]}`)).toThrow(
      'kind must be an integer',
    );
  });

  test('reads log records and number points, and counts the others', () => {
    const log = (fields: object) => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [fields, {}] }] }] });
    const logs = decodeLogsJson(
      Buffer.from(
        JSON.stringify(
          log({ timeUnixNano: '5', attributes: [{ key: 'event.name', value: { stringValue: 'clowder.view.page' } }] }),
        ),
      ),
      everything,
    );
    expect(logs).toMatchObject({ seen: 2, records: [{ eventName: 'clowder.view.page', timeUnixNano: 5n }] });
    expect(() => decodeLogsJson(Buffer.from(JSON.stringify(log({ severityNumber: 'INFO' }))), everything)).toThrow(
      'logRecords[0].severityNumber must be an integer',
    );
    const metrics = {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                {
                  name: 'up',
                  unit: '1',
                  gauge: { dataPoints: [{ asInt: '1', timeUnixNano: '7' }, { asDouble: 0.5 }] },
                },
                { name: 'h', histogram: { dataPoints: [{}] } },
              ],
            },
          ],
        },
      ],
    };
    const points = decodeMetricsJson(Buffer.from(JSON.stringify(metrics)), everything);
    expect(points).toMatchObject({
      seen: 3,
      records: [{ name: 'up', unit: '1', value: 1, timeUnixNano: 7n }, { value: 0.5 }],
    });
  });
});
