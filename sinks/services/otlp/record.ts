import type { HrTime } from '@opentelemetry/api';
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { ATTRIBUTE_OF_FIELD } from '../../../taxonomy/index.ts';
import { V1_NAMES } from '../../shape.ts';
import type { FieldValue, SinkEvent } from '../../sink.ts';
import { fieldSet } from '../../event/field-classes.ts';

/** One shared object: records are grouped by its identity. */
const SCOPE = { name: 'clowder-otel' };
const [TRACE_ID, SPAN_ID] = [/^(?!0{32})[0-9a-f]{32}$/, /^(?!0{16})[0-9a-f]{16}$/];
/** Fields that have their own place in a log record. */
const PLACED = fieldSet('event', 'created', ...V1_NAMES);
const SEVERITY = { INFO: 9, WARN: 13, ERROR: 17 } as const;

export type ToRecord = (event: SinkEvent) => ReadableLogRecord;

/**
 * Returns a function that turns an event into the log record that a program would write: `eventName` is `clowder.<type>`, and
 * attributes follow the taxonomy's table. Our collector reads it back as the same event with the same id.
 *
 * @param now Unix milliseconds, for the observed time
 */
export function createToRecord(serviceName: string, now: () => number): ToRecord {
  const resource = resourceFromAttributes({ 'service.name': serviceName });
  return (event) => toRecord(event, resource, now());
}

function toRecord(event: SinkEvent, resource: Resource, nowMs: number): ReadableLogRecord {
  const { trace_id: traceId, span_id: spanId } = event.fields;
  const traced = isId(traceId, TRACE_ID);
  const spanned = traced && isId(spanId, SPAN_ID);
  const severity = severityOf(event);
  return {
    hrTime: hrTime(event.createdMs),
    hrTimeObserved: hrTime(nowMs),
    ...(traced && { spanContext: { traceId, spanId: spanned ? spanId : '', traceFlags: 0 } }),
    severityNumber: SEVERITY[severity],
    severityText: severity,
    eventName: `clowder.${event.type}`,
    body: event.type,
    attributes: Object.fromEntries(
      Object.entries(event.fields)
        .filter(
          ([field]) => !PLACED.has(field) && !(field === 'trace_id' && traced) && !(field === 'span_id' && spanned),
        )
        .map(([field, value]) => [attributeOf(field), value]),
    ),
    droppedAttributesCount: 0,
    resource,
    instrumentationScope: SCOPE,
  };
}

/** Builds the body of an ExportLogsServiceRequest, with the records in order. */
export function requestOf(records: readonly ReadableLogRecord[]): Uint8Array {
  return ProtobufLogsSerializer.serializeRequest([...records]) ?? new Uint8Array();
}

function severityOf({ type, fields }: SinkEvent): keyof typeof SEVERITY {
  if (type === 'extraction.failed') return 'ERROR';
  return fields['healthy'] === false ? 'WARN' : 'INFO';
}

function attributeOf(field: string): string {
  return Object.hasOwn(ATTRIBUTE_OF_FIELD, field)
    ? ATTRIBUTE_OF_FIELD[field as keyof typeof ATTRIBUTE_OF_FIELD]
    : `clowder.${field}`;
}

const isId = (value: FieldValue | undefined, form: RegExp): value is string =>
  typeof value === 'string' && form.test(value);

const hrTime = (ms: number): HrTime => [Math.floor(ms / 1000), (ms % 1000) * 1_000_000];
