import { ProtoWriter, varintLength } from './proto-writer.ts';

/** Attributes as we record them: scalars and, in resources, lists of text. */
type EncodableAttributes = Readonly<Record<string, unknown>>;

/** A point in time: whole milliseconds since 1970, plus nanoseconds. */
export interface Instant {
  readonly ms: number;
  readonly ns: number;
}

export interface Link {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

export interface EncodableSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for a root span. */
  readonly parentSpanId: string;
  /** As in the header; '' for none. */
  readonly traceState: string;
  /** The context of another trace that came with the request. */
  readonly link?: Link | undefined;
  readonly name: string;
  readonly start: Instant;
  readonly end: Instant;
  readonly attributes: EncodableAttributes;
  readonly failed: boolean;
}

export interface EncodableLogRecord {
  readonly eventName: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  /** Unix milliseconds. */
  readonly timeMs: number;
  readonly observedMs: number;
  readonly attributes: EncodableAttributes;
}

const LENGTH_DELIMITED = 2;
const FIXED_64 = 1;
const FIXED_32 = 5;
const tag = (fieldNumber: number, type = 0): number => fieldNumber * 8 + type;

/** opentelemetry-proto: trace.proto Span, SpanFlags; logs.proto LogRecord; common.proto KeyValue, AnyValue. */
const ENTRY = tag(2, LENGTH_DELIMITED);
const KIND_SERVER = 2;
const STATUS_ERROR = 2;
const FLAG_SAMPLED = 1;
const FLAG_HAS_IS_REMOTE = 0x100;
const FLAG_IS_REMOTE = 0x200;

const body = new ProtoWriter();

/** Appends a sampled server span as an entry of ScopeSpans. */
export function appendSpan(to: ProtoWriter, span: EncodableSpan): void {
  body.clear();
  id(tag(1, LENGTH_DELIMITED), span.traceId);
  id(tag(2, LENGTH_DELIMITED), span.spanId);
  if (span.traceState !== '') text(tag(3, LENGTH_DELIMITED), span.traceState);
  if (span.parentSpanId !== '') id(tag(4, LENGTH_DELIMITED), span.parentSpanId);
  text(tag(5, LENGTH_DELIMITED), span.name);
  body.byte(tag(6));
  body.byte(KIND_SERVER);
  time(tag(7, FIXED_64), span.start);
  time(tag(8, FIXED_64), span.end);
  attributes(body, tag(9, LENGTH_DELIMITED), span.attributes);
  if (span.link !== undefined) link(span.link);
  if (span.failed) {
    body.byte(tag(15, LENGTH_DELIMITED));
    body.byte(2);
    body.byte(tag(3));
    body.byte(STATUS_ERROR);
  }
  body.varint(tag(16, FIXED_32));
  body.fixed32(FLAG_SAMPLED | FLAG_HAS_IS_REMOTE | (span.parentSpanId === '' ? 0 : FLAG_IS_REMOTE));
  to.byte(ENTRY);
  to.message(body);
}

/** A log record as an entry of ScopeLogs. */
export function encodeLogRecord(record: EncodableLogRecord): Uint8Array {
  body.clear();
  time(tag(1, FIXED_64), { ms: record.timeMs, ns: 0 });
  attributes(body, tag(6, LENGTH_DELIMITED), record.attributes);
  if (record.traceId !== '') {
    body.byte(tag(8, FIXED_32));
    body.fixed32(record.sampled ? FLAG_SAMPLED : 0);
    id(tag(9, LENGTH_DELIMITED), record.traceId);
    id(tag(10, LENGTH_DELIMITED), record.spanId);
  }
  time(tag(11, FIXED_64), { ms: record.observedMs, ns: 0 });
  text(tag(12, LENGTH_DELIMITED), record.eventName);
  entry.clear();
  entry.byte(ENTRY);
  entry.message(body);
  return entry.bytes();
}

const entry = new ProtoWriter();

/** The resource, as a field of ResourceSpans or ResourceLogs; it precedes the entries. */
export function encodeResource(resource: EncodableAttributes): Uint8Array {
  const message = new ProtoWriter();
  attributes(message, tag(1, LENGTH_DELIMITED), resource);
  return field(tag(1, LENGTH_DELIMITED), message);
}

/** The instrumentation scope, as a field of ScopeSpans or ScopeLogs. */
export function encodeScope(name: string): Uint8Array {
  const message = new ProtoWriter();
  message.byte(tag(1, LENGTH_DELIMITED));
  message.text(name);
  return field(tag(1, LENGTH_DELIMITED), message);
}

/** A whole export request: one resource, one scope, and the entries. */
export function encodeRequest(resource: Uint8Array, scope: Uint8Array, entries: readonly Uint8Array[]): Uint8Array {
  let scoped = scope.length;
  for (const one of entries) scoped += one.length;
  const resourced = resource.length + 1 + varintLength(scoped) + scoped;
  const request = new ProtoWriter();
  request.byte(tag(1, LENGTH_DELIMITED));
  request.varint(resourced);
  request.raw(resource);
  request.byte(tag(2, LENGTH_DELIMITED));
  request.varint(scoped);
  request.raw(scope);
  for (const one of entries) request.raw(one);
  return request.bytes();
}

function field(fieldTag: number, message: ProtoWriter): Uint8Array {
  const whole = new ProtoWriter();
  whole.byte(fieldTag);
  whole.message(message);
  return whole.bytes();
}

function id(fieldTag: number, hex: string): void {
  body.byte(fieldTag);
  body.hex(hex);
}

/** Two ids and the flags with their tags, and the lengths of the ids. */
const LINK_BYTES = 18 + 10 + 5;

function link({ traceId, spanId, traceFlags }: Link): void {
  body.byte(tag(13, LENGTH_DELIMITED));
  body.byte(LINK_BYTES);
  id(tag(1, LENGTH_DELIMITED), traceId);
  id(tag(2, LENGTH_DELIMITED), spanId);
  body.byte(tag(6, FIXED_32));
  body.fixed32(traceFlags | FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE);
}

function text(fieldTag: number, value: string): void {
  body.byte(fieldTag);
  body.text(value);
}

function time(fieldTag: number, { ms, ns }: Instant): void {
  body.byte(fieldTag);
  body.nanoseconds(ms, ns);
}

/** Keys as the first field of a KeyValue, each encoded once: there are few. */
const keys = new Map<string, Uint8Array>();

function keyField(name: string): Uint8Array {
  let bytes = keys.get(name);
  if (bytes === undefined) {
    const writer = new ProtoWriter();
    writer.byte(tag(1, LENGTH_DELIMITED));
    writer.text(name);
    bytes = writer.bytes();
    keys.set(name, bytes);
  }
  return bytes;
}

function attributes(to: ProtoWriter, fieldTag: number, given: EncodableAttributes): void {
  for (const name in given) {
    const value = given[name];
    if (typeof value === 'string') attribute(to, fieldTag, name, value);
    else if (typeof value === 'boolean') scalar(to, fieldTag, name, 2, () => to.byte(value ? 1 : 0), 1);
    else if (typeof value === 'number') number(to, fieldTag, name, value);
    else if (Array.isArray(value)) list(to, fieldTag, name, value);
  }
}

function attribute(to: ProtoWriter, fieldTag: number, name: string, value: string): void {
  to.byte(fieldTag);
  to.nestedText(keyField(name), tag(2, LENGTH_DELIMITED), tag(1, LENGTH_DELIMITED), value);
}

function number(to: ProtoWriter, fieldTag: number, name: string, value: number): void {
  if (Number.isSafeInteger(value)) {
    scalar(to, fieldTag, name, 3, () => to.int64(value), value < 0 ? 10 : varintLength(value));
  } else {
    scalar(to, fieldTag, name, 4, () => to.double(value), 8);
  }
}

/** @param valueField number of the field in AnyValue */
function scalar(
  to: ProtoWriter,
  fieldTag: number,
  name: string,
  valueField: number,
  write: () => void,
  length: number,
): void {
  const key = keyField(name);
  const anyValue = 1 + length;
  to.byte(fieldTag);
  to.varint(key.length + 2 + anyValue);
  to.raw(key);
  to.byte(tag(2, LENGTH_DELIMITED));
  to.byte(anyValue);
  to.byte(tag(valueField, valueField === 4 ? FIXED_64 : 0));
  write();
}

/** An ArrayValue of text. Used only in resources, so it need not be fast. */
function list(to: ProtoWriter, fieldTag: number, name: string, values: readonly unknown[]): void {
  const array = new ProtoWriter();
  for (const value of values) {
    const item = new ProtoWriter();
    item.byte(tag(1, LENGTH_DELIMITED));
    item.text(String(value));
    array.byte(tag(1, LENGTH_DELIMITED));
    array.message(item);
  }
  const anyValue = new ProtoWriter();
  anyValue.byte(tag(5, LENGTH_DELIMITED));
  anyValue.message(array);
  const keyValue = new ProtoWriter();
  keyValue.raw(keyField(name));
  keyValue.byte(tag(2, LENGTH_DELIMITED));
  keyValue.message(anyValue);
  to.byte(fieldTag);
  to.message(keyValue);
}
