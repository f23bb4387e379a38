import type { Attributes, LogRecord, MetricPoint, SpanEventRecord, SpanRecord } from '../../taxonomy/telemetry.ts';
import { isAccessRecord } from '../connections/access-line.ts';
import { hasTooMany, Progress, STATED_MAX, type Decoding, type LogSink, type RecordSink } from './decoding.ts';
import type { JsonReader } from './json-reader.ts';
import {
  eachElement,
  readAnyValue,
  readAttributes,
  readDouble,
  readEnum,
  readId,
  readLong,
  readString,
  readUnsigned,
  UnreadableRecord,
} from './json-values.ts';
import { Fields, members, readOrRefuse, walkJson, walkRecords, type ResourceOf } from './json-walk.ts';
import { NO_RECORDED_VALUE } from './protobuf.ts';
import { EXPLICIT_PREFIX, pathOf, type Screen } from './screen.ts';

const SERVER = 2;

function isRequest(attributes: Attributes, screen: Screen): boolean {
  const method = attributes['http.request.method'] ?? attributes['http.method'];
  const path = attributes['url.path'] ?? attributes['http.target'] ?? attributes['http.url'] ?? attributes['url.full'];
  return typeof method === 'string' && typeof path === 'string' && screen.request(method, pathOf(path));
}

/**
 * Spans of an ExportTraceServiceRequest in JSON (OTLP specification, "JSON Protobuf Encoding").
 *
 * @throws CollectorError invalid_json, batch_too_large
 */
export function* decodeTracesJson(body: Uint8Array, screen: Screen, sink: RecordSink<SpanRecord>): Decoding {
  const progress = new Progress();
  yield* walkJson(body, ['resourceSpans', 'scopeSpans', 'spans'], progress, (reader, start, path, resource) => {
    progress.seen += 1;
    readOrRefuse(sink, path, () => takeSpan(new Fields(reader, start, SPAN_FIELDS), screen, resource, sink));
    progress.tookLong();
  });
  return progress.seen;
}

const SPAN_FIELDS = [
  'traceId', 'spanId', 'parentSpanId', 'traceState', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano',
  'attributes', 'events',
] as const; // prettier-ignore

function takeSpan(
  fields: Fields<(typeof SPAN_FIELDS)[number]>,
  screen: Screen,
  resource: ResourceOf,
  sink: RecordSink<SpanRecord>,
): void {
  const events = fields.read('events', readExplicitEvents) ?? [];
  const kind = fields.read('kind', readEnum) ?? 0;
  if (events.length === 0 && kind !== SERVER) return;
  const attributes = fields.read('attributes', readAttributes) ?? {};
  if (events.length === 0 && !isRequest(attributes, screen)) return;
  sink.take({
    traceId: fields.read('traceId', readTraceId) ?? '',
    spanId: fields.read('spanId', readSpanId) ?? '',
    parentSpanId: fields.read('parentSpanId', readSpanId) ?? '',
    traceState: fields.read('traceState', readString) ?? '',
    name: fields.read('name', readString) ?? '',
    kind,
    startTimeUnixNano: fields.read('startTimeUnixNano', readUnsigned) ?? 0n,
    endTimeUnixNano: fields.read('endTimeUnixNano', readUnsigned) ?? 0n,
    attributes,
    events,
    resource: resource(),
  });
}

const readTraceId = (reader: JsonReader, path: string): string => readId(reader, 16, path);
const readSpanId = (reader: JsonReader, path: string): string => readId(reader, 8, path);

const EVENT_FIELDS = ['name', 'timeUnixNano', 'attributes'] as const;

/** The span events that state an event. */
function readExplicitEvents(reader: JsonReader, path: string): SpanEventRecord[] {
  const events: SpanEventRecord[] = [];
  eachElement(reader, path, (index) => {
    reader.peek();
    const fields = new Fields(reader, reader.at, EVENT_FIELDS, `${path}[${index}]`);
    const end = reader.at;
    const name = fields.read('name', readString) ?? '';
    if (name.startsWith(EXPLICIT_PREFIX) && events.length === STATED_MAX)
      throw new UnreadableRecord(path, hasTooMany('events that state something', STATED_MAX));
    if (name.startsWith(EXPLICIT_PREFIX))
      events.push({
        name,
        timeUnixNano: fields.read('timeUnixNano', readUnsigned) ?? 0n,
        attributes: fields.read('attributes', readAttributes) ?? {},
      });
    reader.at = end;
  });
  return events;
}

/** Log records of an ExportLogsServiceRequest in JSON. @throws CollectorError invalid_json, batch_too_large */
export function* decodeLogsJson(body: Uint8Array, screen: Screen, sink: LogSink): Decoding {
  const progress = new Progress();
  yield* walkJson(body, ['resourceLogs', 'scopeLogs', 'logRecords'], progress, (reader, start, path, resource) => {
    progress.seen += 1;
    readOrRefuse(sink, path, () => takeLog(new Fields(reader, start, LOG_FIELDS), screen, resource, sink));
    progress.tookLong();
  });
  return progress.seen;
}

const LOG_FIELDS = [
  'timeUnixNano', 'observedTimeUnixNano', 'eventName', 'body', 'attributes', 'traceId', 'spanId',
] as const; // prettier-ignore

function takeLog(
  fields: Fields<(typeof LOG_FIELDS)[number]>,
  screen: Screen,
  resource: ResourceOf,
  sink: LogSink,
): void {
  const attributes = fields.read('attributes', readAttributes) ?? {};
  const former = attributes['event.name'];
  const eventName = (fields.read('eventName', readString) ?? '') || (typeof former === 'string' ? former : '');
  const isExplicit = eventName.startsWith(EXPLICIT_PREFIX);
  const isTaken = isExplicit || isRequest(attributes, screen);
  const isCounted = screen.accessLog === true && !isExplicit && isAccessRecord(attributes);
  if (!isTaken && !isCounted) return;
  const log: LogRecord = {
    timeUnixNano: fields.read('timeUnixNano', readUnsigned) ?? 0n,
    observedTimeUnixNano: fields.read('observedTimeUnixNano', readUnsigned) ?? 0n,
    eventName,
    body: fields.read('body', readBody),
    attributes,
    resource: resource(),
    traceId: fields.read('traceId', readTraceId) ?? '',
    spanId: fields.read('spanId', readSpanId) ?? '',
  };
  if (isTaken) sink.take(log);
  if (isCounted) sink.access(log);
}

const readBody = (reader: JsonReader, path: string): LogRecord['body'] => readAnyValue(reader, path);

/** Number points of an ExportMetricsServiceRequest in JSON. @throws CollectorError invalid_json, batch_too_large */
export function* decodeMetricsJson(body: Uint8Array, screen: Screen, sink: RecordSink<MetricPoint>): Decoding {
  const progress = new Progress();
  yield* walkJson(body, ['resourceMetrics', 'scopeMetrics', 'metrics'], progress, decodeMetric);
  return progress.seen;

  function* decodeMetric(reader: JsonReader, start: number, path: string, resource: ResourceOf): Generator<void> {
    const places = new Map<string, number>();
    reader.at = start;
    yield* members(reader, path, progress, (key) => void places.set(key, reader.at));
    const text = (name: 'name' | 'unit'): string => {
      reader.at = places.get(name) ?? -1;
      return reader.at !== -1 && reader.isString() ? readString(reader, name) : '';
    };
    const metric = { name: text('name'), unit: text('unit') };
    const isAsked = screen.metric(metric.name);
    for (const kind of POINT_KINDS) {
      const at = places.get(kind);
      if (at === undefined) continue;
      const isRead = isAsked && (kind === 'gauge' || kind === 'sum');
      reader.at = at;
      yield* members(reader, `${path}.${kind}`, progress, (key) =>
        key === 'dataPoints' ? walkPoints(`${path}.${kind}.dataPoints`, isRead) : undefined,
      );
    }

    function walkPoints(pointsPath: string, isRead: boolean): Generator<void> {
      return walkRecords(reader, pointsPath, progress, (pointAt, pointPath) => {
        progress.seen += 1;
        if (!isRead) return;
        readOrRefuse(sink, pointPath, () =>
          takePoint(new Fields(reader, pointAt, POINT_FIELDS), metric, resource, sink),
        );
        progress.tookLong();
      });
    }
  }
}

const POINT_KINDS = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const;
const POINT_FIELDS = ['timeUnixNano', 'asInt', 'asDouble', 'flags', 'attributes'] as const;

/** A point without a value, or flagged as having no recorded value, is not a reading. */
function takePoint(
  fields: Fields<(typeof POINT_FIELDS)[number]>,
  metric: Pick<MetricPoint, 'name' | 'unit'>,
  resource: ResourceOf,
  sink: RecordSink<MetricPoint>,
): void {
  const flags = fields.read('flags', readUnsigned) ?? 0n;
  const value = fields.read('asInt', readLong) ?? fields.read('asDouble', readDouble);
  if (value === undefined || Number(flags % 2n) === NO_RECORDED_VALUE) return;
  sink.take({
    ...metric,
    timeUnixNano: fields.read('timeUnixNano', readUnsigned) ?? 0n,
    value: Number(value),
    attributes: fields.read('attributes', readAttributes) ?? {},
    resource: resource(),
  });
}
