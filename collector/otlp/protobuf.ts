import type { LogRecord, MetricPoint, SpanEventRecord, SpanRecord } from '../../taxonomy/telemetry.ts';
import type { AccessRecord } from '../connections/access-line.ts';
import { CollectorError } from '../errors.ts';
import {
  hasTooMany,
  MEMBERS_MAX,
  Progress,
  RECORD_BYTES_MAX,
  STATED_MAX,
  takesTooMuch,
  type Decoding,
  type LogSink,
  type RecordSink,
} from './decoding.ts';
import { EXPLICIT_PREFIX, namesExplicit, screenAccess, screenRequest, type Screen } from './screen.ts';
import { decodeAttributes, decodeBody, decodeId, lazyResource, type Ranges } from './values.ts';
import { BYTES, VARINT, WireReader } from './wire.ts';

type ResourceOf = () => SpanRecord['resource'];
/** Reads one record; a generator if the record has members of its own. */
type OnRecord = (from: number, end: number, resource: ResourceOf) => Generator<void> | void;

/**
 * Walks Export…Request → Resource… → Scope… → record, the shape that the three signals share. Walks everything that holds
 * records to its end, so that a truncated body is refused as a whole. An invalid record affects only itself.
 *
 * @throws CollectorError malformed_protobuf, batch_too_large
 */
function* walk(buffer: Uint8Array, progress: Progress, onRecord: OnRecord): Generator<void> {
  const request = new WireReader(buffer);
  const group = new WireReader(buffer);
  const scope = new WireReader(buffer);
  while (request.next()) {
    progress.count();
    if (progress.isDue()) yield progress.begin();
    if (request.field !== 1 || request.type !== BYTES) continue;
    const [from, end] = [request.start, request.stop];
    let resource: ResourceOf = () => ({});
    group.reset(from, end);
    while (group.next()) {
      progress.count();
      if (group.field === 1 && group.type === BYTES) resource = lazyResource(buffer, group.start, group.stop);
      if (progress.isDue()) yield progress.begin();
    }
    group.reset(from, end);
    while (group.next()) {
      if (group.field !== 2 || group.type !== BYTES) continue;
      scope.reset(group.start, group.stop);
      while (scope.next()) {
        progress.count();
        if (scope.field === 2 && scope.type === BYTES) {
          const members = onRecord(scope.start, scope.stop, resource);
          if (members !== undefined) yield* members;
        }
        if (progress.isDue()) yield progress.begin();
      }
    }
  }
}

/** Reads one record or point. @returns whether that may have taken long */
type Read = (from: number, end: number, resource: ResourceOf) => boolean;

/** Size from which a record takes a while to go through, even if it is not decoded. */
const LARGE_BYTES = 32 * 1024;

/** Decodes signals whose records are read as a whole. */
function* decodeRecords<R>(buffer: Uint8Array, sink: RecordSink<R>, read: Read): Decoding {
  const progress = new Progress();
  yield* walk(buffer, progress, (from, end, resource) => {
    progress.seen += 1;
    const mayHaveTaken = readOrRefuse(sink, read, from, end, resource);
    if (mayHaveTaken || end - from > LARGE_BYTES) progress.tookLong();
  });
  return progress.seen;
}

function readOrRefuse<R>(sink: RecordSink<R>, read: Read, from: number, end: number, resource: ResourceOf): boolean {
  try {
    if (end - from <= RECORD_BYTES_MAX) return read(from, end, resource);
    sink.refuse(`A record ${takesTooMuch(end - from)}`);
  } catch (error) {
    if (!(error instanceof CollectorError) || error.code !== 'malformed_protobuf') throw error;
    sink.refuse(error.message);
  }
  return true;
}

const tooMany = (what: string, most?: number): CollectorError =>
  new CollectorError('malformed_protobuf', `A record ${hasTooMany(what, most)}`);

const SERVER = 2;

/**
 * Spans of an ExportTraceServiceRequest (opentelemetry-proto trace.proto).
 *
 * @throws CollectorError malformed_protobuf, batch_too_large
 */
export function decodeTraces(buffer: Uint8Array, screen: Screen, sink: RecordSink<SpanRecord>): Decoding {
  const reader = new WireReader(buffer);
  const inner = new WireReader(buffer);
  const attributes: Ranges = [];
  const events: Ranges = [];
  return decodeRecords(buffer, sink, (from, end, resource) => {
    attributes.length = 0;
    events.length = 0;
    let kind = 0;
    let count = 0;
    reader.reset(from, end);
    while (reader.next()) {
      if (reader.field === 6 && reader.type === VARINT) kind = reader.value;
      if (reader.type !== BYTES || (reader.field !== 9 && reader.field !== 11)) continue;
      if (++count > MEMBERS_MAX) throw tooMany('attributes and events');
      if (reader.field === 9) attributes.push(reader.start, reader.stop);
      else if (isExplicitSpanEvent(inner, reader.start, reader.stop)) events.push(reader.start, reader.stop);
    }
    if (events.length > 2 * STATED_MAX) throw tooMany('events that state something', STATED_MAX);
    if (events.length === 0 && (kind !== SERVER || !screenRequest(inner, attributes, screen))) return false;
    sink.take(decodeSpan(buffer, from, end, attributes, events, resource()));
    return true;
  });
}

function isExplicitSpanEvent(reader: WireReader, from: number, end: number): boolean {
  reader.reset(from, end);
  while (reader.next()) if (reader.field === 2 && reader.type === BYTES) return reader.startsWith(EXPLICIT_PREFIX);
  return false;
}

function decodeSpan(
  buffer: Uint8Array,
  from: number,
  end: number,
  attributes: Ranges,
  eventRanges: Ranges,
  resource: SpanRecord['resource'],
): SpanRecord {
  const reader = new WireReader(buffer, from, end);
  let [traceId, spanId, parentSpanId, traceState, name] = ['', '', '', '', ''];
  let [kind, start, finish] = [0, 0n, 0n];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        traceId = decodeId(reader, 16);
        break;
      case 2:
        spanId = decodeId(reader, 8);
        break;
      case 3:
        traceState = reader.text();
        break;
      case 4:
        parentSpanId = decodeId(reader, 8);
        break;
      case 5:
        name = reader.text();
        break;
      case 6:
        if (reader.type === VARINT) kind = reader.value;
        break;
      case 7:
        start = reader.fixed64();
        break;
      case 8:
        finish = reader.fixed64();
        break;
    }
  }
  const events: SpanEventRecord[] = [];
  for (let index = 0; index < eventRanges.length; index += 2)
    events.push(decodeSpanEvent(buffer, eventRanges[index] ?? 0, eventRanges[index + 1] ?? 0));
  return {
    traceId,
    spanId,
    parentSpanId,
    traceState,
    name,
    kind,
    startTimeUnixNano: start,
    endTimeUnixNano: finish,
    attributes: decodeAttributes(buffer, attributes),
    events,
    resource,
  };
}

function decodeSpanEvent(buffer: Uint8Array, from: number, end: number): SpanEventRecord {
  const reader = new WireReader(buffer, from, end);
  const attributes: Ranges = [];
  let name = '';
  let timeUnixNano = 0n;
  while (reader.next()) {
    if (reader.field === 1) timeUnixNano = reader.fixed64();
    else if (reader.field === 2) name = reader.text();
    else if (reader.field === 3 && reader.type === BYTES) {
      if (attributes.length === 2 * MEMBERS_MAX) throw tooMany('attributes');
      attributes.push(reader.start, reader.stop);
    }
  }
  return { name, timeUnixNano, attributes: decodeAttributes(buffer, attributes) };
}

/**
 * Log records of an ExportLogsServiceRequest (opentelemetry-proto logs.proto).
 *
 * @throws CollectorError malformed_protobuf, batch_too_large
 */
export function decodeLogs(buffer: Uint8Array, screen: Screen, sink: LogSink): Decoding {
  const reader = new WireReader(buffer);
  const inner = new WireReader(buffer);
  const attributes: Ranges = [];
  return decodeRecords(buffer, sink, (from, end, resource) => {
    attributes.length = 0;
    let explicit = false;
    reader.reset(from, end);
    while (reader.next()) {
      if (reader.field === 6 && reader.type === BYTES) {
        if (attributes.length === 2 * MEMBERS_MAX) throw tooMany('attributes');
        attributes.push(reader.start, reader.stop);
      } else if (reader.field === 12 && reader.type === BYTES) explicit = reader.startsWith(EXPLICIT_PREFIX);
    }
    explicit ||= namesExplicit(inner, attributes);
    const isTaken = explicit || screenRequest(inner, attributes, screen);
    if (isTaken) sink.take(decodeLog(buffer, from, end, attributes, resource()));
    if (screen.accessLog !== true || explicit) return isTaken;
    const counted = screenAccess(inner, attributes);
    if (counted.length === 0) return isTaken;
    sink.access(decodeAccess(buffer, from, end, counted, resource()));
    return true;
  });
}

/** A record of an access log, with only the attributes that counting needs. */
function decodeAccess(
  buffer: Uint8Array,
  from: number,
  end: number,
  counted: Ranges,
  resource: LogRecord['resource'],
): AccessRecord {
  const reader = new WireReader(buffer, from, end);
  const attributes = decodeAttributes(buffer, counted);
  let [timeUnixNano, observedTimeUnixNano] = [0n, 0n];
  let traceId = '';
  while (reader.next()) {
    if (reader.field === 1) timeUnixNano = reader.fixed64();
    else if (reader.field === 9) traceId = decodeId(reader, 16);
    else if (reader.field === 11) observedTimeUnixNano = reader.fixed64();
  }
  return { timeUnixNano, observedTimeUnixNano, attributes, resource, traceId };
}

function decodeLog(
  buffer: Uint8Array,
  from: number,
  end: number,
  ranges: Ranges,
  resource: LogRecord['resource'],
): LogRecord {
  const reader = new WireReader(buffer, from, end);
  const attributes = decodeAttributes(buffer, ranges);
  let [timeUnixNano, observedTimeUnixNano] = [0n, 0n];
  let [eventName, traceId, spanId] = ['', '', ''];
  let body: LogRecord['body'];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        timeUnixNano = reader.fixed64();
        break;
      case 5:
        reader.expect(BYTES);
        body = decodeBody(buffer, reader.start, reader.stop);
        break;
      case 9:
        traceId = decodeId(reader, 16);
        break;
      case 10:
        spanId = decodeId(reader, 8);
        break;
      case 11:
        observedTimeUnixNano = reader.fixed64();
        break;
      case 12:
        eventName = reader.text();
        break;
    }
  }
  if (eventName === '' && typeof attributes['event.name'] === 'string') eventName = attributes['event.name'];
  return { timeUnixNano, observedTimeUnixNano, eventName, body, attributes, resource, traceId, spanId };
}

/**
 * Number points of an ExportMetricsServiceRequest (metrics.proto) whose metric is wanted.
 *
 * @throws CollectorError malformed_protobuf, batch_too_large
 */
export function* decodeMetrics(buffer: Uint8Array, screen: Screen, sink: RecordSink<MetricPoint>): Decoding {
  const progress = new Progress();
  yield* walk(buffer, progress, decodeMetric);
  return progress.seen;

  function* decodeMetric(from: number, end: number, resource: ResourceOf): Generator<void> {
    const reader = new WireReader(buffer, from, end);
    const points = new WireReader(buffer);
    let [name, unit] = ['', ''];
    const data: number[] = [];
    while (reader.next()) {
      progress.count();
      if (reader.field === 1) name = reader.text();
      else if (reader.field === 3) unit = reader.text();
      else if (reader.type === BYTES && reader.field >= 5 && reader.field <= 11)
        data.push(reader.start, reader.stop, reader.field);
      if (progress.isDue()) yield progress.begin();
    }
    const isAsked = screen.metric(name);
    for (let index = 0; index < data.length; index += 3) {
      const isNumber = data[index + 2] === GAUGE || data[index + 2] === SUM;
      points.reset(data[index] ?? 0, data[index + 1] ?? 0);
      while (points.next()) {
        progress.count();
        if (points.field !== 1 || points.type !== BYTES) continue;
        progress.seen += 1;
        if (isNumber && isAsked && readOrRefuse(sink, takePoint, points.start, points.stop, resource))
          progress.tookLong();
        if (progress.isDue()) yield progress.begin();
      }
    }

    function takePoint(start: number, stop: number): boolean {
      const point = decodePoint(buffer, start, stop);
      if (point !== undefined) sink.take({ name, unit, resource: resource(), ...point });
      return true;
    }
  }
}

const GAUGE = 5;
const SUM = 7;
/** A point's flag: DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK. */
export const NO_RECORDED_VALUE = 1;

/** @returns undefined if the point has no value, or is flagged as having no recorded value */
function decodePoint(
  buffer: Uint8Array,
  from: number,
  end: number,
): Pick<MetricPoint, 'timeUnixNano' | 'value' | 'attributes'> | undefined {
  const reader = new WireReader(buffer, from, end);
  const attributes: Ranges = [];
  let timeUnixNano = 0n;
  let value: number | undefined;
  let flags = 0;
  while (reader.next()) {
    if (reader.field === 7 && reader.type === BYTES) {
      if (attributes.length === 2 * MEMBERS_MAX) throw tooMany('attributes');
      attributes.push(reader.start, reader.stop);
    } else if (reader.field === 3) timeUnixNano = reader.fixed64();
    else if (reader.field === 4) value = reader.double();
    else if (reader.field === 6) value = Number(reader.sfixed64());
    else if (reader.field === 8 && reader.type === VARINT) flags = reader.value;
  }
  if (value === undefined || flags % 2 === NO_RECORDED_VALUE) return undefined;
  return { timeUnixNano, value, attributes: decodeAttributes(buffer, attributes) };
}
