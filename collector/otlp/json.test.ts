import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLogsJson, decodeMetricsJson, decodeTracesJson } from '../../test/support/otlp-decode.ts';
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
  withSpan({ attributes: [...SPAN.attributes, { key: 'http.a', value }] }).records[0]?.attributes['http.a'];
const nested = (depth: number): object =>
  depth === 0 ? { stringValue: 'deep' } : { arrayValue: { values: [nested(depth - 1)] } };
/** A span of a request with one field given as text. */
const spansWith = (field: string) =>
  spans(
    JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [{ ...SPAN, it: 1 }] }] }] }).replace('"it":1', field),
  );
const AT = 'resourceSpans[0].scopeSpans[0].spans[0]';

describe('OTLP/JSON', () => {
  test('an empty request is a request', () => {
    for (const empty of ['{}', '', 'null', '\uFEFF{}'])
      expect(spans(empty)).toEqual({ records: [], refused: [], seen: 0 });
    expect(spans({ resourceSpans: [{ scopeSpans: [{ spans: [] }] }] }).seen).toBe(0);
  });

  test('ids are hex in either case', () => {
    const [span] = withSpan({ traceId: 'AbCdEf0123456789AbCdEf0123456789', spanId: '0123456789ABCDEF' }).records;
    expect([span?.traceId, span?.spanId]).toEqual(['abcdef0123456789abcdef0123456789', '0123456789abcdef']);
  });

  test.each([
    ['an id of the wrong length', { traceId: 'abc' }, `${AT}.traceId must be 32 hex digits, was "abc"`],
    ['an id in base64', { spanId: 'AAAAAAAAAAE=AAAA' }, `${AT}.spanId must be 16 hex digits`],
    ['an enum name', { kind: 'SPAN_KIND_SERVER' }, `${AT}.kind must be an integer (OTLP/JSON has no enum names)`],
    ['a time that is NaN', { startTimeUnixNano: 'NaN' }, `${AT}.startTimeUnixNano must be a non-negative integer`],
    ['a negative time', { startTimeUnixNano: -1 }, `${AT}.startTimeUnixNano must be a non-negative integer`],
    ['a fractional time', { endTimeUnixNano: 1.5 }, `${AT}.endTimeUnixNano must be a non-negative integer`],
    [
      'a time beyond 64 bits',
      { endTimeUnixNano: '18446744073709551616' },
      `${AT}.endTimeUnixNano must be less than 2^64`,
    ],
    ['attributes that are not an array', { attributes: {} }, `${AT}.attributes must be an array`],
    ['an event that is not an object', { events: [1] }, `${AT}.events[0] must be an object`],
    [
      'an attribute with a value of another type than it names',
      { attributes: [...SPAN.attributes, { key: 'http.a', value: { intValue: 'x' } }] },
      `${AT}.attributes[2].value.intValue (http.a) must be an integer, was "x"`,
    ],
    ['a record that is too long', { name: 'x'.repeat(4 * 1024 * 1024) }, `${AT} takes 41`],
  ])('only the record with %s is refused, with the path', (_, fields, message) => {
    const { records, refused, seen } = spans({
      resourceSpans: [{ scopeSpans: [{ spans: [{ ...SPAN, ...fields }, SPAN, 5] }] }],
    });
    expect([records.length, seen]).toEqual([1, 3]);
    expect(refused).toEqual([
      expect.stringContaining(message),
      'resourceSpans[0].scopeSpans[0].spans[2] must be an object',
    ]);
  });

  test.each([
    ['a status', { status: { code: 'STATUS_CODE_OK' } }],
    ['an attribute nested 34 deep', { attributes: [...SPAN.attributes, { key: 'n', value: nested(34) }] }],
    ['an invalid attribute', { attributes: [...SPAN.attributes, { key: 'n', value: { intValue: 'x' } }] }],
    ['a field of another version', { flags: 'x', links: 5 }],
  ])('%s that the mapping never reads is skipped without a check', (_, fields) => {
    expect(withSpan(fields)).toMatchObject({ records: [{}], refused: [] });
  });

  test('what makes no event is not checked either', () => {
    expect(withSpan({ kind: 1, traceId: 'x', attributes: [{ key: 5 }] })).toEqual({
      records: [],
      refused: [],
      seen: 1,
    });
  });

  test('null means unset, as in ProtoJSON', () => {
    for (const kind of [
      'stringValue',
      'intValue',
      'doubleValue',
      'boolValue',
      'bytesValue',
      'arrayValue',
      'kvlistValue',
    ])
      expect(withAttribute({ [kind]: null })).toBeNull();
    expect(withAttribute({ stringValue: null, intValue: 5 })).toBe(5n);
    const { records, refused } = withSpan({ traceId: null, endTimeUnixNano: null, events: null, name: null });
    expect([records[0]?.endTimeUnixNano, records[0]?.name, refused]).toEqual([0n, '', []]);
  });

  test.each([
    ['1e3', 1000n],
    ['"1e3"', 1000n],
    ['15E-1', undefined],
    ['1.50e1', 15n],
    ['-2.0', -2n],
    ['0e999', 0n],
    ['1e999', undefined],
    ['9.223372036854775807e18', 2n ** 63n - 1n],
    ['1e19', undefined],
  ])('integers may have exponents: %s', (given, expected) => {
    const { records, refused } = spans(
      JSON.stringify({
        resourceSpans: [
          {
            scopeSpans: [
              { spans: [{ ...SPAN, attributes: [...SPAN.attributes, { key: 'http.a', value: { intValue: 'IT' } }] }] },
            ],
          },
        ],
      }).replace('"IT"', given),
    );
    expect(records[0]?.attributes['http.a']).toBe(expected);
    expect(refused).toHaveLength(expected === undefined ? 1 : 0);
  });

  test('nanoseconds given as numbers are not read as doubles', () => {
    const [span] =
      spans(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":2,"startTimeUnixNano":1700000000123456789,"endTimeUnixNano": 1700000000123456789 ,
      "attributes":[{"key":"http.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/"}},{"key":"http.n","value":{"intValue":-9007199254740993}}]}]}]}]}`).records;
    expect([span?.startTimeUnixNano, span?.endTimeUnixNano]).toEqual([
      1_700_000_000_123_456_789n,
      1_700_000_000_123_456_789n,
    ]);
    expect(span?.attributes['http.n']).toBe(-9_007_199_254_740_993n);
    expect(spansWith('"startTimeUnixNano":1700000000123456789.5').refused[0]).toContain('startTimeUnixNano must be');
  });

  test('a text that looks like such a number stays unchanged', () => {
    const value = '{"timeUnixNano":1700000000123456789}';
    expect(withAttribute({ stringValue: value })).toBe(value);
  });

  test('every type of value is read', () => {
    expect(withAttribute({ intValue: '5' })).toBe(5n);
    expect(withAttribute({ intValue: 5 })).toBe(5n);
    expect(withAttribute({ boolValue: false })).toBe(false);
    expect(withAttribute({ doubleValue: 'Infinity' })).toBe(Infinity);
    expect(withAttribute({ bytesValue: 'AQI=' })).toEqual(Uint8Array.of(1, 2));
    expect(withAttribute({ arrayValue: { values: [{ stringValue: 'a' }] } })).toEqual(['a']);
    expect(withAttribute({ kvlistValue: { values: [{ key: 'k', value: {} }] } })).toEqual({ k: null });
    expect(withAttribute({ intValue: '9223372036854775808' })).toBeUndefined();
    expect(withAttribute({ doubleValue: '1.5e3' })).toBe(1500);
    expect(withAttribute({ doubleValue: 'much' })).toBeUndefined();
    expect(withAttribute({ stringValue: 1 })).toBeUndefined();
  });

  test('of 10,000 attributes, those that the mapping may read are kept, wherever they are', () => {
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

  test.each([' ', ' \r\n\t', '\uFEFF', '\uFEFF ', '{', 'null x', '[]', '"a"', '{"resourceSpans":NaN}'])(
    '%s is refused',
    (body) => {
      expect(() => spans(body)).toThrow(expect.objectContaining({ name: 'CollectorError', code: 'invalid_json' }));
    },
  );

  test('invalid UTF-8 is refused', () => {
    expect(() => decodeTracesJson(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), everything)).toThrow('not valid UTF-8');
  });

  test('deep nesting causes no crash', () => {
    const deep = `{"arrayValue":{"values":[`.repeat(10_000) + `]}}`.repeat(10_000);
    expect(
      spans(
        `{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":${deep}}]},"scopeSpans":[{"spans":[${JSON.stringify(SPAN)}]}]}]}`,
      ),
    ).toMatchObject({ records: [{ resource: {} }], refused: [] });
    expect(spansWith(`"attributes":[{"key":"http.a","value":${deep}}]`).refused).toEqual([]);
    const kind = '['.repeat(50_000) + ']'.repeat(50_000);
    expect(spansWith(`"kind":${kind}`).refused).toEqual([
      `${AT}.kind must be an integer (OTLP/JSON has no enum names), was an object or array`,
    ]);
  });

  test('a resource may come after its scopes, and one that cannot be read loses only its own records', () => {
    const group = (resource: unknown) => ({ scopeSpans: [{ spans: [SPAN] }], resource });
    const { records, refused } = spans({
      resourceSpans: [
        group({ attributes: [{ key: 'service.name', value: { stringValue: 'late' } }] }),
        group({ attributes: [{ key: 'service.name', value: { stringValue: 5 } }] }),
        group(null),
      ],
    });
    expect(records.map(({ resource }) => resource)).toEqual([{ 'service.name': 'late' }, {}]);
    expect(refused).toEqual([
      expect.stringContaining('resourceSpans[1].resource.attributes[0].value.stringValue (service.name)'),
    ]);
  });

  test('keys may be escaped', () => {
    expect(
      spans(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [SPAN] }] }] }).replace('spans', 'spa\\u006es'))
        .records,
    ).toHaveLength(1);
  });

  test('a request of more than 100,000 records is refused as a whole', () => {
    const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[${'{},'.repeat(100_000)}{}]}]}]}`;
    expect(() => spans(body)).toThrow(expect.objectContaining({ code: 'batch_too_large' }));
  });

  const MIB = 1024 * 1024;
  const members = (count: number): string => Array.from({ length: count }, (_, at) => `"m${at}":1`).join();
  test.each([
    ['a key', (run: number) => `{"${'k'.repeat(run)}":1}`],
    ['a key of escapes', (run: number) => `{"${'\\n'.repeat(run / 2)}":1}`],
    ['blanks before the body', (run: number) => `${' '.repeat(run)}{}`],
    ['blanks behind it', (run: number) => `{}${'\n'.repeat(run)}`],
    ['blanks before a list', (run: number) => `{"resourceSpans":${' '.repeat(run)}[]}`],
    [
      'blanks between records',
      (run: number) => `{"resourceSpans":[{"scopeSpans":[{"spans":[{}${' '.repeat(run)},{}]}]}]}`,
    ],
  ])('%s of more than 1 MiB are refused before they are walked, and less are not', (_, bodyOf) => {
    expect(() => spans(bodyOf(2 * MIB))).toThrow(expect.objectContaining({ code: 'batch_too_large' }));
    expect(spans(bodyOf(MIB - 2)).refused).toEqual([]);
  });

  test.each([
    ['the body', (inner: string) => `{${inner}}`],
    ['a resource', (inner: string) => `{"resourceSpans":[{${inner}}]}`],
    ['a scope', (inner: string) => `{"resourceSpans":[{"scopeSpans":[{${inner}}]}]}`],
  ])('%s with more than 100,000 members is refused, whatever they are called', (_, bodyOf) => {
    expect(() => spans(bodyOf(members(100_100)))).toThrow(expect.objectContaining({ code: 'batch_too_large' }));
    expect(() => spans(bodyOf('"resourceSpans":[],'.repeat(100_100) + '"z":1'))).toThrow(
      expect.objectContaining({ code: 'batch_too_large' }),
    );
    expect(spans(bodyOf(members(50_000))).refused).toEqual([]);
  });

  test('so is a metric, of which no member is kept beyond that', () => {
    const body = (count: number) =>
      Buffer.from(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{${members(count)}}}]}]}]}`);
    const walk = (count: number) => decodeMetricsJson(body(count), everything);
    expect(() => walk(100_100)).toThrow(expect.objectContaining({ code: 'batch_too_large' }));
    expect(() => walk(50_000)).not.toThrow();
  });

  test('what is refused for what it is, is not walked to its end', () => {
    expect(() => spans(`{"resourceSpans":${'['.repeat(MIB)}`)).toThrow('resourceSpans[0] must be an object');
    expect(() => spans(`{"resourceSpans":${'{"a":'.repeat(MIB)}`)).toThrow('resourceSpans must be an array');
  });

  test('the reader accepts and refuses the same JSON as JSON.parse', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6 }),
        fc.nat(),
        fc.constantFrom('', '"', '\\', '{', ']', ',', ':', '1', 'e', 'é', '\u0001'),
        (text, at, put) => {
          for (const one of [
            text,
            text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1),
          ]) {
            const body = `{"x":${one}}`;
            let isJson = true;
            try {
              JSON.parse(body);
            } catch {
              isJson = false;
            }
            if (isJson) expect(spans(body).seen).toBe(0);
            else expect(() => spans(body)).toThrow(expect.objectContaining({ code: 'invalid_json' }));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('log records and number points are read, and others are counted', () => {
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
    const metrics = {
      resourceMetrics: [
        {
          scopeMetrics: [
            {
              metrics: [
                {
                  name: 'up',
                  unit: '1',
                  gauge: {
                    dataPoints: [
                      { asInt: '1', timeUnixNano: '7' },
                      { asDouble: 0.5 },
                      // Not readings: no value, a null value as in ProtoJSON, and the flag for no recorded value.
                      {},
                      { asDouble: null },
                      { asDouble: 0, flags: 1 },
                    ],
                  },
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
      seen: 6,
      records: [{ name: 'up', unit: '1', value: 1, timeUnixNano: 7n }, { value: 0.5 }],
    });
  });
});
