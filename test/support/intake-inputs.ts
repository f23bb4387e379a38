import { gzipSync } from 'node:zlib';
import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { EVENT_TYPES, eventSchemas } from '../../taxonomy/event-types.ts';

/** A request as any client may send it. */
export interface Input {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer<ArrayBuffer>;
}

/** A source of random values: the same seed draws the same ones. */
export interface Chance {
  /** A whole number from 0 to below n. */
  below(n: number): number;
  /** True once in n draws on average. */
  oneIn(n: number): boolean;
  pick<T>(items: readonly T[]): T;
}

export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  /** Mulberry32. */
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (word ^ (word >>> 14)) >>> 0;
  };
  const below = (n: number): number => next() % n;
  return {
    below,
    oneIn: (n) => below(n) === 0,
    pick: <T>(items: readonly T[]): T => items[below(items.length)] as T,
  };
}

const NOW = Date.now();
const ID = '5f1e00000000000000000001';
const OWN_NAMES: readonly string[] = Object.values(ATTRIBUTE_OF_FIELD);
const NAMES = [
  ...OWN_NAMES, 'clowder.refuted.ids', 'clowder.captured', 'clowder.collapse_within_s', 'clowder.extraction.duration',
  'http.method', 'http.target', 'http.url', 'url.query', 'url.path', 'http.response.status_code', 'event.name',
  'http.server.request.duration', 'http.request.method', 'log.file.path', 'server.address', 'x', '__proto__', 'constructor', '',
]; // prettier-ignore
const REQUEST_PATHS = [
  `/api/files/${ID}/blob`,
  `/files/${ID}`,
  `/api/v2/datasets/${ID}/download`,
  '/api/files/bulkRemove',
  '/healthz',
  `/files/${ID}?key=s%3Fkey%3Dx`,
];
const TEXTS = [
  '', '-', 'a', ID, 'x\u0000y', 'line\nfeed', '\r', '\u001b[31m', '\ud800', 'a\udfff%3Fkey=1', '测'.repeat(86), '😀', '\u2028',
  'https://h/?a=\ud800%3Fkey=1', 'https://user:secret@h/a?token=t#access_token=u', 'private.secret.name', '%', '%E0%A4%A', '0', '-1',
  '1e308', 'NaN', '9223372036854775808', 'true', '=cmd()', '"', '\\', ',', `${'k'.repeat(30)}key=1 `.repeat(40), '../..', '{"a":1}',
]; // prettier-ignore
const NUMBERS = [0, 1, -1, 0.5, 200, 206, 404, 1e21, 1e308, -1e308, 5e-324, 2 ** 53, NOW, -0, 86_400];
/** Replaced by lists nested deeper than `JSON.stringify` could write. */
const DEEP = 'nested 5,000 deep';
const SCALARS: readonly unknown[] = [null, true, false, [], {}, [[]], ...NUMBERS, ...TEXTS];

function textOf(chance: Chance): string {
  if (chance.oneIn(400)) return 'key=secret '.repeat(chance.below(4000));
  return chance.oneIn(4) ? chance.pick(TEXTS) + chance.pick(TEXTS) : chance.pick(TEXTS);
}

function nested(depth: number, inner: unknown, wrap: (one: unknown) => unknown): unknown {
  let value = inner;
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
}

/** An `AnyValue` in OTLP/JSON, sometimes invalid. */
function anyValueOf(chance: Chance): unknown {
  switch (chance.below(12)) {
    case 0:
      return { intValue: chance.pick(['1', 5, '1e3', '1.5e1', 'x', null, '9223372036854775808', -1, 1e308]) };
    case 1:
      return { doubleValue: chance.pick([...NUMBERS, 'NaN', '-Infinity', null, 'x']) };
    case 2:
      return { boolValue: chance.pick([true, false, null, 'true', 1]) };
    case 3:
      return { bytesValue: chance.pick(['AQI=', '!', null, '']) };
    case 4:
      return nested(chance.below(40), { stringValue: textOf(chance) }, (one) => ({
        arrayValue: { values: [one] },
      }));
    case 5:
      return nested(chance.below(40), { stringValue: 'x' }, (one) => ({
        kvlistValue: { values: [{ key: 'k', value: one }] },
      }));
    case 6:
      return chance.oneIn(20) ? { stringValue: DEEP, arrayValue: { values: DEEP } } : chance.pick(SCALARS);
    default:
      return { stringValue: textOf(chance) };
  }
}

function attributesOf(chance: Chance): unknown {
  if (chance.oneIn(50)) return chance.pick(SCALARS);
  const attributes: unknown[] = [
    { key: 'clowder.file.id', value: { stringValue: ID } },
    { key: 'http.request.method', value: { stringValue: chance.pick(['GET', 'POST', 'DELETE', 'PUT']) } },
    { key: 'url.path', value: { stringValue: chance.pick(REQUEST_PATHS) } },
    { key: 'http.response.status_code', value: { intValue: chance.pick(['200', 200, '302', '404', '1e2']) } },
  ].filter(() => !chance.oneIn(5));
  for (let count = chance.below(5); count > 0; count -= 1)
    attributes.push({ key: chance.pick(NAMES), value: anyValueOf(chance) });
  return attributes;
}

const timeOf = (chance: Chance): unknown =>
  chance.oneIn(8) ? chance.pick(SCALARS) : `${NOW - chance.below(1000)}000000`;
const idOf = (chance: Chance, digits: number): unknown =>
  chance.oneIn(8) ? chance.pick(SCALARS) : chance.pick('0123456789abcdef'.split('')).repeat(digits);
const typeName = (chance: Chance): string =>
  chance.oneIn(6)
    ? `clowder.${textOf(chance)}`
    : `clowder.${chance.pick([...EVENT_TYPES, 'capture.refuted', 'unparsed'])}`;

function recordOf(chance: Chance, signal: Signal): unknown {
  if (chance.oneIn(60)) return chance.pick(SCALARS);
  const common = { traceId: idOf(chance, 32), spanId: idOf(chance, 16), attributes: attributesOf(chance) };
  if (signal === 'logs')
    return {
      ...common,
      timeUnixNano: timeOf(chance),
      eventName: chance.oneIn(3) ? '' : typeName(chance),
      body: anyValueOf(chance),
    };
  if (signal === 'traces')
    return {
      ...common,
      kind: chance.oneIn(8) ? chance.pick(SCALARS) : 2,
      name: textOf(chance),
      traceState: chance.pick(['', 'clowder=captured', 'a=b']),
      startTimeUnixNano: timeOf(chance),
      endTimeUnixNano: timeOf(chance),
      ...(chance.oneIn(3) && {
        events: [{ name: typeName(chance), timeUnixNano: timeOf(chance), attributes: attributesOf(chance) }],
      }),
    };
  const point = {
    ...common,
    timeUnixNano: timeOf(chance),
    [chance.pick(['asInt', 'asDouble', 'none'])]: chance.pick(SCALARS),
    flags: chance.pick([0, 1, null, 'x']),
  };
  return {
    name: chance.pick(['clowder.health.up', 'httpcheck.duration', 'httpcheck.error', 'rabbitmq.message.current', 'x']),
    unit: chance.pick(['s', 'ms', '', null]),
    [chance.pick(['gauge', 'sum', 'histogram'])]: { dataPoints: [point, point] },
  };
}

type Signal = 'traces' | 'logs' | 'metrics';
const PARTS = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
} as const;

function telemetryOf(chance: Chance, signal: Signal): unknown {
  const [groups, scopes, records] = PARTS[signal];
  const scope = { [records]: Array.from({ length: chance.below(4) }, () => recordOf(chance, signal)) };
  const resource = chance.oneIn(3) ? undefined : { attributes: attributesOf(chance) };
  return { [groups]: [chance.oneIn(9) ? { [scopes]: [scope], resource } : { resource, [scopes]: [scope] }] };
}

/** Lone surrogates become escapes, which JSON allows. */
const jsonOf = (value: unknown): Buffer<ArrayBuffer> =>
  Buffer.from(JSON.stringify(value).replaceAll(`"${DEEP}"`, () => '['.repeat(5000) + ']'.repeat(5000)));

const varint = (value: number): number[] => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
};
const bytesField = (field: number, content: Uint8Array | string): Buffer => {
  const inner = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(inner.length)]), inner]);
};
const fixedField = (field: number, value: number): Buffer => {
  const fixed = Buffer.alloc(8);
  fixed.writeBigUInt64LE(BigInt(Math.trunc(value)) * 1_000_000n);
  return Buffer.concat([Buffer.from(varint(field * 8 + 1)), fixed]);
};
const doubleField = (field: number, value: number): Buffer => {
  const double = Buffer.alloc(8);
  double.writeDoubleLE(value);
  return Buffer.concat([Buffer.from(varint(field * 8 + 1)), double]);
};
const varintField = (field: number, value: number): Buffer => Buffer.from([...varint(field * 8), ...varint(value)]);

function anyValueBytes(chance: Chance): Buffer {
  switch (chance.below(8)) {
    case 0:
      return varintField(3, chance.below(2 ** 31));
    case 1:
      return doubleField(4, chance.pick([...NUMBERS, Number.NaN, Infinity]));
    case 2: {
      let value = bytesField(1, textOf(chance));
      for (let depth = chance.below(40); depth > 0; depth -= 1) value = bytesField(5, bytesField(1, value));
      return value;
    }
    case 3:
      return Buffer.from([chance.below(256), chance.below(256), chance.below(256)]);
    default:
      return bytesField(1, textOf(chance));
  }
}

function attributeBytes(chance: Chance, field: number): Buffer {
  const pair = (key: string, value: Uint8Array): Buffer =>
    bytesField(field, Buffer.concat([bytesField(1, key), bytesField(2, value)]));
  const all = [
    pair('clowder.file.id', bytesField(1, ID)),
    pair('http.request.method', bytesField(1, chance.pick(['GET', 'POST']))),
    pair('url.path', bytesField(1, chance.pick(REQUEST_PATHS))),
    pair('http.response.status_code', varintField(3, 200)),
  ].filter(() => !chance.oneIn(5));
  for (let count = chance.below(4); count > 0; count -= 1) all.push(pair(chance.pick(NAMES), anyValueBytes(chance)));
  return Buffer.concat(all);
}

function recordBytes(chance: Chance, signal: Signal): Buffer {
  const at = NOW - chance.below(1000);
  const trace = Buffer.alloc(chance.oneIn(9) ? 5 : 16, chance.below(256));
  if (signal === 'logs')
    return Buffer.concat([
      fixedField(1, at),
      bytesField(5, anyValueBytes(chance)),
      attributeBytes(chance, 6),
      bytesField(9, trace),
      bytesField(12, typeName(chance)),
    ]);
  if (signal === 'traces')
    return Buffer.concat([
      bytesField(1, trace), varintField(6, 2), fixedField(7, at), fixedField(8, at), attributeBytes(chance, 9),
      ...(chance.oneIn(3) ? [bytesField(11, Buffer.concat([fixedField(1, at), bytesField(2, typeName(chance)), attributeBytes(chance, 3)]))] : []),
    ]); // prettier-ignore
  const point = Buffer.concat([
    fixedField(3, at),
    attributeBytes(chance, 7),
    doubleField(4, chance.pick(NUMBERS)),
    varintField(8, chance.below(3)),
  ]);
  return Buffer.concat([
    bytesField(1, chance.pick(['clowder.health.up', 'httpcheck.status', 'x'])),
    bytesField(chance.pick([5, 7, 9]), bytesField(1, point)),
  ]);
}

function telemetryBytes(chance: Chance, signal: Signal): Buffer<ArrayBuffer> {
  const records = Array.from({ length: chance.below(4) }, () => bytesField(2, recordBytes(chance, signal)));
  const resource = bytesField(1, attributeBytes(chance, 1));
  return Buffer.from(bytesField(1, Buffer.concat([resource, bytesField(2, Buffer.concat(records))])));
}

const FIELDS = [...new Set(EVENT_TYPES.flatMap((type) => Object.keys(eventSchemas[type].shape)))];

function postedEvent(chance: Chance): unknown {
  if (chance.oneIn(40)) return chance.pick(SCALARS);
  const event: Record<string, unknown> = {
    event: chance.oneIn(12) ? chance.pick(SCALARS) : chance.pick(EVENT_TYPES),
    file_id: ID,
    resource_id: ID,
    user_id: 'u',
    target: 't',
    healthy: true,
  };
  for (const field of Object.keys(event)) if (chance.oneIn(5)) delete event[field];
  for (let count = chance.below(6); count > 0; count -= 1)
    event[chance.oneIn(12) ? textOf(chance) : chance.pick(FIELDS)] = chance.oneIn(4)
      ? textOf(chance)
      : chance.pick(SCALARS);
  if (chance.oneIn(300)) event['file_id'] = DEEP;
  return event;
}

function cloudEventOf(chance: Chance): unknown {
  const event: Record<string, unknown> = {
    specversion: '1.0', id: textOf(chance), source: textOf(chance), type: chance.oneIn(4) ? textOf(chance) : chance.pick(EVENT_TYPES),
    subject: chance.pick([undefined, null, `dataset/${ID}`, `file/${ID}`, 'space/A/dataset/B', textOf(chance)]),
    time: chance.pick([undefined, null, '2026-09-21T14:13:20Z', textOf(chance)]),
    data: chance.oneIn(6) ? chance.pick(SCALARS) : postedEvent(chance),
  }; // prettier-ignore
  if (chance.oneIn(6)) event['data_base64'] = chance.pick(['e30=', 'AAAA', textOf(chance), 5]);
  return event;
}

/** Changes, removes and duplicates some bytes. */
function mutated(chance: Chance, body: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  if (body.length === 0) return body;
  let changed: Buffer<ArrayBuffer> = Buffer.from(body);
  for (let count = 1 + chance.below(6); count > 0; count -= 1) {
    const at = chance.below(Math.max(1, changed.length));
    const end = at + chance.below(12);
    switch (chance.below(4)) {
      case 0:
        changed[at] = chance.below(256);
        break;
      case 1:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(end)]);
        break;
      case 2:
        changed = Buffer.concat([changed.subarray(0, end), changed.subarray(at)]);
        break;
      default:
        changed[at] = chance.pick([0, 0x22, 0x5b, 0x5d, 0x7b, 0x7d, 0x5c, 0x2c, 0xff, 0x80]);
    }
  }
  return chance.oneIn(8) ? changed.subarray(0, chance.below(changed.length + 1)) : changed;
}

const JSON_TYPE = 'application/json';
const KINDS: readonly ((chance: Chance) => Input)[] = [
  ...(['traces', 'logs', 'metrics'] as const).flatMap((signal) => [
    (chance: Chance) => input(`/v1/${signal}`, JSON_TYPE, jsonOf(telemetryOf(chance, signal))),
    (chance: Chance) => input(`/v1/${signal}`, 'application/x-protobuf', telemetryBytes(chance, signal)),
  ]),
  (chance) => input('/api/v1/events', JSON_TYPE, jsonOf(postedEvent(chance))),
  (chance) => input('/api/v1/events', JSON_TYPE, jsonOf([postedEvent(chance), postedEvent(chance)])),
  (chance) => input(`/api/v1/events/${encodeURIComponent(chance.pick([...EVENT_TYPES, 'x', '__proto__']))}`, JSON_TYPE, jsonOf(postedEvent(chance))),
  (chance) => input('/api/v1/events', 'application/cloudevents+json', jsonOf(cloudEventOf(chance))),
  (chance) => input('/api/v1/events', 'application/cloudevents-batch+json', jsonOf([cloudEventOf(chance), cloudEventOf(chance)])),
  (chance) => input('/api/v1/browser', JSON_TYPE, jsonOf({ url: textOf(chance), title: textOf(chance), referrer: chance.pick(SCALARS), session_id: textOf(chance), event_id: textOf(chance) })),
  (chance) => input('/api/v1/rejected/replay', JSON_TYPE, jsonOf(chance.pick([{}, { ids: [1] }, ...SCALARS]))),
]; // prettier-ignore

function input(path: string, type: string, body: Buffer<ArrayBuffer>): Input {
  return { path, headers: { 'content-type': type, origin: ORIGIN }, body };
}

/** The origin whose pages may send page views. */
export const ORIGIN = 'https://clowder.example';

/** One request to the collector's intake: valid, invalid, or damaged on the way. */
export function inputOf(chance: Chance): Input {
  const made = chance.pick(KINDS)(chance);
  const body = chance.oneIn(2) ? mutated(chance, made.body) : made.body;
  if (!chance.oneIn(16)) return { ...made, body };
  const zipped = Buffer.from(gzipSync(body));
  const coding = { 'content-encoding': chance.pick(['gzip', 'x-gzip', 'br', 'constructor']) };
  return { ...made, headers: { ...made.headers, ...coding }, body: chance.oneIn(3) ? mutated(chance, zipped) : zipped };
}
