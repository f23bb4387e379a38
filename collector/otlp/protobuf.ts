import type { LogRecord, MetricPoint, SpanEventRecord, SpanRecord } from '../../taxonomy/telemetry.ts';
import type { AccessRecord } from '../connections/access-line.ts';
import { EXPLICIT_PREFIX, namesExplicit, screenAccess, screenRequest, type Screen } from './screen.ts';
import { decodeAttributes, decodeId, decodeValue, lazyResource, type Ranges } from './values.ts';
import { BYTES, VARINT, WireReader } from './wire.ts';

/** Records that may be events; `seen` counts all that were there. */
export interface Decoded<R> {
  readonly records: readonly R[];
  readonly seen: number;
}

/** `access`: all records of access logs, where they are asked for; also those that may be events. */
export interface DecodedLogs extends Decoded<LogRecord> {
  readonly access: readonly AccessRecord[];
}

type ResourceOf = () => SpanRecord['resource'];

/**
 * Walks Export…Request → Resource… → Scope… → record, the shape that the three signals share; every byte is walked, so
 * that a body that was cut off is refused as a whole.
 */
function walk(buffer: Uint8Array, onRecord: (from: number, end: number, resource: ResourceOf) => void): void {
  const request = new WireReader(buffer);
  while (request.next()) {
    if (request.field !== 1 || request.type !== BYTES) continue;
    const [from, end] = [request.start, request.stop];
    const group = new WireReader(buffer, from, end);
    let resource: ResourceOf = () => ({});
    while (group.next())
      if (group.field === 1 && group.type === BYTES) resource = lazyResource(buffer, group.start, group.stop);
    group.reset(from, end);
    while (group.next()) {
      if (group.field !== 2 || group.type !== BYTES) continue;
      const scope = new WireReader(buffer, group.start, group.stop);
      while (scope.next()) if (scope.field === 2 && scope.type === BYTES) onRecord(scope.start, scope.stop, resource);
    }
  }
}

const SERVER = 2;

/** Spans of an ExportTraceServiceRequest (opentelemetry-proto trace.proto). @throws CollectorError malformed_protobuf */
export function decodeTraces(buffer: Uint8Array, screen: Screen): Decoded<SpanRecord> {
  const records: SpanRecord[] = [];
  const reader = new WireReader(buffer);
  const inner = new WireReader(buffer);
  const attributes: Ranges = [];
  let seen = 0;
  walk(buffer, (from, end, resource) => {
    seen += 1;
    attributes.length = 0;
    let kind = 0;
    let explicit = false;
    reader.reset(from, end);
    while (reader.next()) {
      if (reader.field === 9 && reader.type === BYTES) attributes.push(reader.start, reader.stop);
      else if (reader.field === 6 && reader.type === VARINT) kind = reader.value;
      else if (reader.field === 11 && reader.type === BYTES && !explicit)
        explicit = isExplicitSpanEvent(inner, reader.start, reader.stop);
    }
    if (explicit || (kind === SERVER && screenRequest(inner, attributes, screen)))
      records.push(decodeSpan(buffer, from, end, attributes, resource()));
  });
  return { records, seen };
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
  resource: SpanRecord['resource'],
): SpanRecord {
  const reader = new WireReader(buffer, from, end);
  const events: SpanEventRecord[] = [];
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
      case 11:
        reader.expect(BYTES);
        events.push(decodeSpanEvent(buffer, reader.start, reader.stop));
        break;
    }
  }
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
    else if (reader.field === 3 && reader.type === BYTES) attributes.push(reader.start, reader.stop);
  }
  return { name, timeUnixNano, attributes: decodeAttributes(buffer, attributes) };
}

/** Log records of an ExportLogsServiceRequest (opentelemetry-proto logs.proto). @throws CollectorError malformed_protobuf */
export function decodeLogs(buffer: Uint8Array, screen: Screen): DecodedLogs {
  const records: LogRecord[] = [];
  const access: AccessRecord[] = [];
  const reader = new WireReader(buffer);
  const inner = new WireReader(buffer);
  const attributes: Ranges = [];
  let seen = 0;
  walk(buffer, (from, end, resource) => {
    seen += 1;
    attributes.length = 0;
    let explicit = false;
    reader.reset(from, end);
    while (reader.next()) {
      if (reader.field === 6 && reader.type === BYTES) attributes.push(reader.start, reader.stop);
      else if (reader.field === 12 && reader.type === BYTES) explicit = reader.startsWith(EXPLICIT_PREFIX);
    }
    explicit ||= namesExplicit(inner, attributes);
    if (explicit || screenRequest(inner, attributes, screen))
      records.push(decodeLog(buffer, from, end, attributes, resource()));
    if (screen.accessLog !== true || explicit) return;
    const counted = screenAccess(inner, attributes);
    if (counted.length > 0) access.push(decodeAccess(buffer, from, end, counted, resource()));
  });
  return { records, access, seen };
}

/** A record of an access log with those of its attributes that it is counted by. */
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
        body = decodeValue(buffer, reader.start, reader.stop);
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

/** Number points of an ExportMetricsServiceRequest (metrics.proto) whose metric is asked for. @throws CollectorError malformed_protobuf */
export function decodeMetrics(buffer: Uint8Array, screen: Screen): Decoded<MetricPoint> {
  const records: MetricPoint[] = [];
  let seen = 0;
  walk(buffer, (from, end, resource) => {
    const reader = new WireReader(buffer, from, end);
    let [name, unit] = ['', ''];
    const data: Ranges = [];
    while (reader.next()) {
      if (reader.field === 1) name = reader.text();
      else if (reader.field === 3) unit = reader.text();
      else if (reader.type === BYTES && reader.field >= 5 && reader.field <= 11)
        data.push(reader.start, reader.stop, reader.field, 0);
    }
    for (let index = 0; index < data.length; index += 4) {
      const points = new WireReader(buffer, data[index] ?? 0, data[index + 1] ?? 0);
      const isNumber = data[index + 2] === 5 || data[index + 2] === 7;
      while (points.next()) {
        if (points.field !== 1 || points.type !== BYTES) continue;
        seen += 1;
        if (isNumber && screen.metric(name))
          records.push({ name, unit, resource: resource(), ...decodePoint(buffer, points.start, points.stop) });
      }
    }
  });
  return { records, seen };
}

function decodePoint(
  buffer: Uint8Array,
  from: number,
  end: number,
): Pick<MetricPoint, 'timeUnixNano' | 'value' | 'attributes'> {
  const reader = new WireReader(buffer, from, end);
  const attributes: Ranges = [];
  let timeUnixNano = 0n;
  let value = 0;
  while (reader.next()) {
    if (reader.field === 7 && reader.type === BYTES) attributes.push(reader.start, reader.stop);
    else if (reader.field === 3) timeUnixNano = reader.fixed64();
    else if (reader.field === 4) value = reader.double();
    else if (reader.field === 6) value = Number(reader.sfixed64());
  }
  return { timeUnixNano, value, attributes: decodeAttributes(buffer, attributes) };
}
