import type { Encoding, Signal } from '../../collector/otlp/responses.ts';

/** A body that causes as much work as its size allows. */
export interface HostileBody {
  readonly what: string;
  readonly signal: Signal;
  readonly encoding: Encoding;
  /** @param bytes approximate size */
  readonly make: (bytes: number) => Uint8Array;
}

const RECORD_BYTES = 4 * 1024 * 1024 - 64;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
const field = (number: number, value: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(value.byteLength)]), value]);
const text = (number: number, value: string): Buffer => field(number, Buffer.from(value));
const keyValue = (key: string, value: Uint8Array): Buffer => Buffer.concat([text(1, key), field(2, value)]);
const repeated = (unit: Uint8Array, bytes: number): Buffer => Buffer.alloc(Math.max(1, Math.floor(bytes / unit.byteLength)) * unit.byteLength, unit); // prettier-ignore

const inRequest = (records: Uint8Array): Uint8Array => field(1, field(2, records));
const KIND_SERVER = Buffer.from([0x30, 2]);
const METHOD = keyValue('http.request.method', text(1, 'GET'));
const download = (more: Uint8Array): Buffer =>
  Buffer.concat([
    KIND_SERVER,
    field(9, METHOD),
    field(9, keyValue('url.path', text(1, '/api/files/5f1e00000000000000000001/blob'))),
    field(9, keyValue('http.response.status_code', Buffer.from([0x18, 200, 1]))),
    more,
  ]);
/** Spans or log records of the largest allowed size. */
const large = (content: (bytes: number) => Uint8Array) => (bytes: number) => {
  const most = Math.min(RECORD_BYTES, bytes);
  const record = field(2, content(most - 200));
  return inRequest(repeated(record, Math.max(bytes, record.byteLength)));
};
const statedEvent = Buffer.concat([text(2, 'clowder.view.page')]);
const numberedSpans = (bytes: number, more: Uint8Array): Uint8Array => {
  const spans: Uint8Array[] = [];
  for (let [index, made] = [0, 0]; made < bytes && index < 20_000; index += 1) {
    const id = Buffer.alloc(16, 1);
    id.writeUInt32BE(index + 1, 0);
    const span = field(2, Buffer.concat([field(1, id), download(more)]));
    made += span.byteLength;
    spans.push(span);
  }
  return inRequest(Buffer.concat(spans));
};
const wide = Buffer.concat(
  ['user_agent.original', 'url.query', 'http.request.header.referer', 'user.name', 'clowder.dataset.name'].map((name) =>
    field(9, keyValue(name, text(1, `https://h/?key=${'a%20b&'.repeat(90)}`))),
  ),
);

const PROTOBUF: readonly (readonly [string, Signal, (bytes: number) => Uint8Array])[] = [
  ['spans without anything', 'traces', (bytes) => inRequest(repeated(field(2, Buffer.alloc(0)), bytes))],
  ['attributes without anything', 'traces', large((bytes) => download(repeated(field(9, Buffer.alloc(0)), bytes)))],
  ['span events without anything', 'traces', large((bytes) => repeated(field(11, Buffer.alloc(0)), bytes))],
  ['span events that each state something', 'traces', large((bytes) => repeated(field(11, statedEvent), bytes))],
  ['members that nobody knows', 'traces', large((bytes) => repeated(Buffer.from([0x78, 1]), bytes))],
  ['a query without an end', 'traces', large((bytes) => download(field(9, keyValue('url.query', text(1, 'key=a&%41='.repeat(bytes / 10))))))], // prettier-ignore
  ['an array of empty values', 'traces', large((bytes) => download(field(9, keyValue('http.request.header.x', field(5, repeated(field(1, Buffer.alloc(0)), bytes))))))], // prettier-ignore
  ['resources without end', 'traces', (bytes) => field(1, Buffer.concat([field(1, repeated(field(1, Buffer.alloc(0)), Math.min(bytes, RECORD_BYTES))), field(2, field(2, download(Buffer.alloc(0))))]))], // prettier-ignore
  ['20,000 events', 'traces', (bytes) => numberedSpans(bytes, Buffer.alloc(0))],
  ['20,000 wide events', 'traces', (bytes) => numberedSpans(bytes, wide)],
  ['a body of nested maps', 'logs', large((bytes) => Buffer.concat([text(12, 'clowder.view.page'), field(5, field(6, repeated(field(1, text(1, 'a')), bytes)))]))], // prettier-ignore
  ['records without anything', 'logs', (bytes) => inRequest(repeated(field(2, Buffer.alloc(0)), bytes))],
  ['points without anything', 'metrics', (bytes) => inRequest(field(2, Buffer.concat([text(1, 'httpcheck.status'), field(5, repeated(field(1, Buffer.alloc(0)), bytes))])))], // prettier-ignore
];

const spansOf = (records: string): string => `{"resourceSpans":[{"scopeSpans":[{"spans":[${records}]}]}]}`;
const logsOf = (records: string): string => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${records}]}]}]}`;
const list = (unit: string, bytes: number): string => `${unit},`.repeat(Math.max(1, Math.floor(bytes / (unit.length + 1)))).slice(0, -1); // prettier-ignore
const largeJson = (record: (bytes: number) => string, inside: (records: string) => string) => (bytes: number) => {
  const one = record(Math.min(RECORD_BYTES, bytes) - 400);
  return Buffer.from(inside(list(one, Math.max(bytes, one.length + 1))));
};
const GET = '{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"url.path","value":{"stringValue":"/api/files/5f1e00000000000000000001/blob"}},{"key":"http.response.status_code","value":{"intValue":200}}'; // prettier-ignore
const downloadJson = (attributes: string): string => `{"kind":2,"attributes":[${GET},${attributes}]}`;

const JSON_BODIES: readonly (readonly [string, Signal, (bytes: number) => Uint8Array])[] = [
  ['spans without anything', 'traces', (bytes) => Buffer.from(spansOf(list('{}', bytes)))],
  ['attributes without anything', 'traces', largeJson((bytes) => downloadJson(list('{}', bytes)), spansOf)],
  ['span events without anything', 'traces', largeJson((bytes) => `{"events":[${list('{}', bytes)}]}`, spansOf)],
  ['span events that each state something', 'traces', largeJson((bytes) => `{"events":[${list('{"name":"clowder.view.page"}', bytes)}]}`, spansOf)], // prettier-ignore
  ['members that nobody knows', 'traces', largeJson((bytes) => `{${list('"a":1', bytes)}}`, spansOf)],
  ['a query without an end', 'traces', largeJson((bytes) => downloadJson(`{"key":"url.query","value":{"stringValue":"${'key=\\u0061&'.repeat(bytes / 11)}"}}`), spansOf)], // prettier-ignore
  ['an array of empty values', 'traces', largeJson((bytes) => downloadJson(`{"key":"http.request.header.x","value":{"arrayValue":{"values":[${list('{}', bytes)}]}}}`), spansOf)], // prettier-ignore
  ['a body of nested maps', 'logs', largeJson((bytes) => `{"eventName":"clowder.view.page","body":{"kvlistValue":{"values":[${list('{"key":"a"}', bytes)}]}}}`, logsOf)], // prettier-ignore
  ['nesting without end', 'logs', largeJson((bytes) => `{"eventName":"clowder.view.page","body":${'{"arrayValue":{"values":['.repeat(bytes / 60)}{}${']}}'.repeat(bytes / 60)}}`, logsOf)], // prettier-ignore
  ['points without anything', 'metrics', (bytes) => Buffer.from(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"httpcheck.status","gauge":{"dataPoints":[${list('{}', bytes)}]}}]}]}]}`)], // prettier-ignore
];

export const HOSTILE_BODIES: readonly HostileBody[] = [
  ...PROTOBUF.map(([what, signal, make]): HostileBody => ({ what, signal, encoding: 'protobuf', make })),
  ...JSON_BODIES.map(([what, signal, make]): HostileBody => ({ what, signal, encoding: 'json', make })),
];
