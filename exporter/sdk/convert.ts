import type { HrTime } from '@opentelemetry/api';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { AttributeValue, LogRecord, SpanRecord } from '../../taxonomy/telemetry.ts';

/** Attributes nested deeper than this are left out: they may refer to themselves. */
const MAX_DEPTH = 16;

/**
 * Converts a span of the OTel SDK to the neutral form.
 *
 * @param span as a span processor passes it to an exporter: ended, with a complete resource
 */
export function fromReadableSpan(span: ReadableSpan): SpanRecord {
  const { traceId, spanId, traceState } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? '',
    traceState: traceState?.serialize() ?? '',
    name: span.name,
    // The JavaScript API starts at 0 for INTERNAL; in OTLP, 0 is unspecified (opentelemetry-proto trace.proto, SpanKind).
    kind: span.kind + 1,
    startTimeUnixNano: nanoseconds(span.startTime),
    endTimeUnixNano: nanoseconds(span.endTime),
    attributes: attributesOf(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      timeUnixNano: nanoseconds(event.time),
      attributes: attributesOf(event.attributes ?? {}),
    })),
    resource: attributesOf(span.resource.attributes),
  };
}

/** Converts a log record of the OTel SDK to the neutral form. */
export function fromReadableLogRecord(record: ReadableLogRecord): LogRecord {
  const attributes = attributesOf(record.attributes);
  const deprecatedName = attributes['event.name'];
  return {
    timeUnixNano: nanoseconds(record.hrTime),
    observedTimeUnixNano: nanoseconds(record.hrTimeObserved),
    eventName: record.eventName ?? (typeof deprecatedName === 'string' ? deprecatedName : ''),
    body: valueOf(record.body, 0),
    attributes,
    resource: attributesOf(record.resource.attributes),
    traceId: record.spanContext?.traceId ?? '',
    spanId: record.spanContext?.spanId ?? '',
  };
}

function nanoseconds([seconds, nanos]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(nanos));
}

function attributesOf(from: object, depth = 0): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, given] of Object.entries(from) as [string, unknown][]) {
    const value = valueOf(given, depth);
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

function valueOf(value: unknown, depth: number): AttributeValue | undefined {
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'boolean' ||
    typeof value === 'bigint'
  )
    return value;
  if (value instanceof Uint8Array) return value;
  if (depth >= MAX_DEPTH || typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return value.map((item: unknown) => valueOf(item, depth + 1) ?? null);
  return attributesOf(value, depth + 1);
}
