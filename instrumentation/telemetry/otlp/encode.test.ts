import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { TraceState } from '@opentelemetry/core';
import { ProtobufLogsSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SPAN } from '../../../test/support/captured-request.ts';
import { BYTES, VARINT, WireReader } from '../../../collector/otlp/wire.ts';
import {
  appendSpan,
  encodeLogRecord,
  encodeRequest,
  encodeResource,
  encodeScope,
  type EncodableLogRecord,
  type EncodableSpan,
} from './encode.ts';
import { ProtoWriter } from './proto-writer.ts';
import { runs } from '../../../test/support/form.ts';

const RESOURCE = { 'service.name': 'test', 'process.pid': 42, 'process.command_args': ['node', 'ä.js'] };
const SCOPE = { name: 'clowder-otel' };

/** Default values: of a varint, of an empty message, and of a status with code 0. */
const DEFAULTS = new Set<string | number>([0, '', '1800']);

type Field = readonly [field: number, type: number, content: string | number];

/** Fields of a message in order; a field with only a default counts as absent. */
function fields(bytes: Uint8Array, ignored: readonly number[] = []): Field[] {
  const reader = new WireReader(bytes);
  const all: Field[] = [];
  while (reader.next()) {
    const content =
      reader.type === VARINT ? reader.value : Buffer.from(bytes.subarray(reader.start, reader.stop)).toString('hex');
    if (!ignored.includes(reader.field) || !DEFAULTS.has(content)) all.push([reader.field, reader.type, content]);
  }
  return all;
}

/** Contents at a path of fields, each an embedded message. */
function at(bytes: Uint8Array, ...path: readonly number[]): Uint8Array[] {
  const [first, ...rest] = path;
  if (first === undefined) return [bytes];
  const found: Uint8Array[] = [];
  const reader = new WireReader(bytes);
  while (reader.next()) {
    if (reader.field === first && reader.type === BYTES)
      found.push(...at(bytes.subarray(reader.start, reader.stop), ...rest));
  }
  return found;
}

const hrTime = (ms: number, ns: number): [number, number] => [Math.floor(ms / 1000), (ms % 1000) * 1e6 + ns];

function bySdk(span: EncodableSpan): Uint8Array {
  const readable: ReadableSpan = {
    name: span.name,
    kind: SpanKind.SERVER,
    spanContext: () => ({
      traceId: span.traceId,
      spanId: span.spanId,
      traceFlags: TraceFlags.SAMPLED,
      ...(span.traceState !== '' && { traceState: new TraceState(span.traceState) }),
    }),
    ...(span.parentSpanId !== '' && {
      parentSpanContext: { traceId: span.traceId, spanId: span.parentSpanId, traceFlags: 1, isRemote: true },
    }),
    startTime: hrTime(span.start.ms, span.start.ns),
    endTime: hrTime(span.end.ms, span.end.ns),
    status: { code: span.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: span.attributes,
    links: span.link === undefined ? [] : [{ context: { ...span.link, isRemote: true } }],
    events: [],
    duration: [0, 0],
    ended: true,
    resource: resourceFromAttributes(RESOURCE),
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
  return ProtobufTraceSerializer.serializeRequest([readable]) ?? new Uint8Array();
}

function byUs(span: EncodableSpan): Uint8Array {
  const entries = new ProtoWriter();
  appendSpan(entries, span);
  return encodeRequest(encodeResource(RESOURCE), encodeScope(SCOPE.name), [entries.bytes()]);
}

/** In a link, the SDK writes after the two ids that no attributes were dropped. */
const withoutDroppedOfLink = ([field, type, content]: Field): Field =>
  field === 13 ? [field, type, String(content).slice(0, 56) + String(content).slice(60)] : [field, type, content];

const hexId = (digits: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: digits / 2, maxLength: digits / 2 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
);
const attributes = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z._]{0,40}$/),
  fc.oneof(text, fc.boolean(), fc.nat(), fc.maxSafeNat(), fc.double({ noNaN: true, noInteger: true })),
  { noNullPrototype: true, maxKeys: 20 },
);
const instant = fc.record({ ms: fc.integer({ min: 1, max: 4e12 }), ns: fc.integer({ min: 0, max: 999_999 }) });
const spans: fc.Arbitrary<EncodableSpan> = fc.record({
  traceId: hexId(32),
  spanId: hexId(16),
  parentSpanId: fc.oneof(fc.constant(''), hexId(16)),
  traceState: fc.constantFrom('', 'clowder=b7ad6b7169203331', 'clowder=b7ad6b7169203331,rojo=1'),
  link: fc.option(fc.record({ traceId: hexId(32), spanId: hexId(16), traceFlags: fc.integer({ min: 0, max: 255 }) }), {
    nil: undefined,
  }),
  name: text,
  start: instant,
  end: instant,
  attributes,
  failed: fc.boolean(),
});

describe('our encoding', () => {
  test('of a span is what the SDK would send', () => {
    fc.assert(
      fc.property(spans, (span) => {
        const [ours, theirs] = [byUs(span), bySdk(span)];
        const [ourSpan, theirSpan] = [ours, theirs].map((bytes) => at(bytes, 1, 2, 2)[0] ?? new Uint8Array());
        // Counts of dropped items, and an unset status.
        expect(fields(ourSpan ?? ours)).toEqual(
          fields(theirSpan ?? theirs, [10, 12, 14, 15]).map(withoutDroppedOfLink),
        );
      }),
      runs(),
    );
  });

  test('of resource and scope is what the SDK would send', () => {
    for (const path of [
      [1, 1],
      [1, 2, 1],
    ]) {
      const [ours, theirs] = [byUs(SPAN), bySdk(SPAN)].map((bytes) =>
        at(bytes, ...path).map((one) => fields(one, [2])),
      );
      expect(ours).toEqual(theirs);
      expect(ours).toHaveLength(1);
    }
  });

  test('of a log record is what the SDK would send', () => {
    const records: fc.Arbitrary<EncodableLogRecord> = fc.record({
      eventName: fc.stringMatching(/^clowder\.[a-z.]{1,30}$/),
      traceId: hexId(32),
      spanId: hexId(16),
      sampled: fc.boolean(),
      timeMs: fc.integer({ min: 1, max: 4e12 }),
      observedMs: fc.integer({ min: 1, max: 4e12 }),
      attributes,
    });
    fc.assert(
      fc.property(records, (record) => {
        const readable: ReadableLogRecord = {
          hrTime: hrTime(record.timeMs, 0),
          hrTimeObserved: hrTime(record.observedMs, 0),
          spanContext: {
            traceId: record.traceId,
            spanId: record.spanId,
            traceFlags: record.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
          },
          eventName: record.eventName,
          attributes: record.attributes,
          resource: resourceFromAttributes(RESOURCE),
          instrumentationScope: SCOPE,
          droppedAttributesCount: 0,
        };
        const theirs = ProtobufLogsSerializer.serializeRequest([readable]) ?? new Uint8Array();
        const [entry] = at(encodeLogRecord(record), 2);
        // Flags are fixed32, so absent and zero are the same.
        const withoutFlags = (all: Field[]): Field[] =>
          all.filter(([field, , content]) => field !== 8 || content !== '00000000');
        expect(withoutFlags(fields(entry ?? theirs))).toEqual(
          withoutFlags(fields(at(theirs, 1, 2, 2)[0] ?? new Uint8Array(), [7])),
        );
      }),
      runs(),
    );
  });

  test('of many entries is one request', () => {
    const entries = Array.from({ length: 300 }, (_, index) =>
      encodeLogRecord({
        eventName: 'clowder.view.page',
        traceId: '',
        spanId: '',
        sampled: false,
        timeMs: index + 1,
        observedMs: index + 1,
        attributes: { index, negative: -index - 1 },
      }),
    );
    const request = encodeRequest(encodeResource(RESOURCE), encodeScope('x'), entries);
    expect(at(request, 1)).toHaveLength(1);
    expect(at(request, 1, 2, 2)).toHaveLength(300);
  });
});
