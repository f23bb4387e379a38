import { mayBeRead } from '../../taxonomy/attributes.ts';
import type { AttributeValue, Attributes, LogRecord, MetricPoint, SpanRecord } from '../../taxonomy/telemetry.ts';
import { isAccessRecord } from '../connections/access-line.ts';
import type { Decoded, DecodedLogs } from './protobuf.ts';
import { EXPLICIT_PREFIX, pathOf, type Screen } from './screen.ts';
import { ATTRIBUTES_MAX } from './values.ts';
import { CollectorError } from '../errors.ts';

type Json = Record<string, unknown>;

const DEPTH_MAX = 32;
const utf8 = new TextDecoder('utf-8', { fatal: true });
/** 64-bit integers given as JSON numbers: quoted before parsing, so that no nanosecond passes through a double. */
const LONG_INTEGERS = /"((?:\w*[uU]nixNano)|intValue|asInt)"(\s*:\s*)(-?\d[\d.eE+-]{15,})(?=\s*[,}\]])/g;

function invalid(path: string, what: string): CollectorError {
  return new CollectorError('invalid_json', `${path === '' ? 'The body' : path} ${what}`);
}

/** A value for a message: bounded, whatever was sent. */
function shown(value: unknown): string {
  return typeof value === 'object' ? 'an object' : (JSON.stringify(value) ?? 'nothing').slice(0, 60);
}

function parse(body: Uint8Array): Json {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw invalid('', 'is not valid UTF-8');
  }
  if (text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(LONG_INTEGERS, '"$1"$2"$3"'));
  } catch (error) {
    throw invalid('', `is not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return object(parsed, '');
}

function object(value: unknown, path: string): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(path, 'must be an object');
  return value as Json;
}

function list(value: unknown, path: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(path, 'must be an array');
  return value;
}

function string(value: unknown, path: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw invalid(path, 'must be a string');
  return value;
}

function boolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw invalid(path, `must be true or false, was ${shown(value)}`);
  return value;
}

function enumeration(value: unknown, path: string): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value))
    throw invalid(path, `must be an integer (OTLP/JSON has no enum names), was ${shown(value)}`);
  return value;
}

function unsigned(value: unknown, path: string): bigint {
  if (value === undefined || value === null || value === '') return 0n;
  const text = typeof value === 'number' && Number.isInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !/^\d{1,20}$/.test(text))
    throw invalid(path, `must be a non-negative integer, was ${shown(value)}`);
  if (BigInt(text) >= 2n ** 64n) throw invalid(path, `must be less than 2^64, was ${shown(value)}`);
  return BigInt(text);
}

function id(value: unknown, bytes: number, path: string): string {
  const text = string(value, path).toLowerCase();
  if (text === '') return '';
  if (text.length !== bytes * 2 || !/^[0-9a-f]+$/.test(text))
    throw invalid(path, `must be ${bytes * 2} hex digits, was ${shown(text)}`);
  return /^0+$/.test(text) ? '' : text;
}

function anyValue(value: unknown, path: string, depth: number): AttributeValue {
  if (depth > DEPTH_MAX) throw invalid(path, `is nested deeper than ${DEPTH_MAX}`);
  const given = object(value, path);
  if (given['stringValue'] !== undefined) return string(given['stringValue'], `${path}.stringValue`);
  if (given['boolValue'] !== undefined) return boolean(given['boolValue'], `${path}.boolValue`);
  if (given['intValue'] !== undefined) return integer(given['intValue'], `${path}.intValue`);
  if (given['doubleValue'] !== undefined) return Number(given['doubleValue']);
  if (given['bytesValue'] !== undefined)
    return new Uint8Array(Buffer.from(string(given['bytesValue'], `${path}.bytesValue`), 'base64'));
  if (given['arrayValue'] !== undefined)
    return list(object(given['arrayValue'], path)['values'], `${path}.arrayValue.values`).map((one, index) =>
      anyValue(one, `${path}.arrayValue.values[${index}]`, depth + 1),
    );
  if (given['kvlistValue'] !== undefined)
    return keyValues(object(given['kvlistValue'], path)['values'], `${path}.kvlistValue.values`, depth + 1);
  return null;
}

function integer(value: unknown, path: string): bigint {
  const text = typeof value === 'number' && Number.isInteger(value) ? String(value) : value;
  if (typeof text !== 'string' || !/^-?\d{1,19}$/.test(text))
    throw invalid(path, `must be an integer, was ${shown(value)}`);
  if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text))
    throw invalid(path, `must fit into 64 bits, was ${shown(value)}`);
  return BigInt(text);
}

function keyValues(value: unknown, path: string, depth = 0): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  const pairs = list(value, path);
  const isMany = depth === 0 && pairs.length > ATTRIBUTES_MAX;
  let kept = 0;
  for (const [index, one] of pairs.entries()) {
    const pair = object(one, `${path}[${index}]`);
    const key = string(pair['key'], `${path}[${index}].key`);
    if (key === '__proto__' || (isMany && !mayBeRead(key))) continue;
    attributes[key] = anyValue(pair['value'], `${path}[${index}].value`, depth);
    kept += 1;
    if (kept === ATTRIBUTES_MAX) break;
  }
  return attributes;
}

/** Resource… → Scope… → record, with the path of each for messages. */
function* walk(
  body: Json,
  groups: string,
  scopes: string,
  records: string,
): Generator<{ record: Json; path: string; resource: Attributes }> {
  for (const [g, group] of list(body[groups], groups).entries()) {
    const groupPath = `${groups}[${g}]`;
    const given = object(group, groupPath);
    const resource = keyValues(
      object(given['resource'], `${groupPath}.resource`)['attributes'],
      `${groupPath}.resource.attributes`,
    );
    for (const [s, scope] of list(given[scopes], `${groupPath}.${scopes}`).entries()) {
      const scopePath = `${groupPath}.${scopes}[${s}]`;
      for (const [r, record] of list(object(scope, scopePath)[records], `${scopePath}.${records}`).entries()) {
        const path = `${scopePath}.${records}[${r}]`;
        yield { record: object(record, path), path, resource };
      }
    }
  }
}

function isRequest(attributes: Attributes, screen: Screen): boolean {
  const method = attributes['http.request.method'] ?? attributes['http.method'];
  const path = attributes['url.path'] ?? attributes['http.target'] ?? attributes['http.url'] ?? attributes['url.full'];
  return typeof method === 'string' && typeof path === 'string' && screen.request(method, pathOf(path));
}

/** Spans of an ExportTraceServiceRequest in JSON (OTLP specification, "JSON Protobuf Encoding"). @throws CollectorError invalid_json */
export function decodeTracesJson(body: Uint8Array, screen: Screen): Decoded<SpanRecord> {
  const records: SpanRecord[] = [];
  let seen = 0;
  for (const { record, path, resource } of walk(parse(body), 'resourceSpans', 'scopeSpans', 'spans')) {
    seen += 1;
    enumeration(object(record['status'], `${path}.status`)['code'], `${path}.status.code`);
    const span: SpanRecord = {
      traceId: id(record['traceId'], 16, `${path}.traceId`),
      spanId: id(record['spanId'], 8, `${path}.spanId`),
      parentSpanId: id(record['parentSpanId'], 8, `${path}.parentSpanId`),
      traceState: string(record['traceState'], `${path}.traceState`),
      name: string(record['name'], `${path}.name`),
      kind: enumeration(record['kind'], `${path}.kind`),
      startTimeUnixNano: unsigned(record['startTimeUnixNano'], `${path}.startTimeUnixNano`),
      endTimeUnixNano: unsigned(record['endTimeUnixNano'], `${path}.endTimeUnixNano`),
      attributes: keyValues(record['attributes'], `${path}.attributes`),
      events: list(record['events'], `${path}.events`).map((event, index) => {
        const at = `${path}.events[${index}]`;
        const given = object(event, at);
        return {
          name: string(given['name'], `${at}.name`),
          timeUnixNano: unsigned(given['timeUnixNano'], `${at}.timeUnixNano`),
          attributes: keyValues(given['attributes'], `${at}.attributes`),
        };
      }),
      resource,
    };
    if (
      span.events.some((event) => event.name.startsWith(EXPLICIT_PREFIX)) ||
      (span.kind === 2 && isRequest(span.attributes, screen))
    )
      records.push(span);
  }
  return { records, seen };
}

/** Log records of an ExportLogsServiceRequest in JSON. @throws CollectorError invalid_json */
export function decodeLogsJson(body: Uint8Array, screen: Screen): DecodedLogs {
  const records: LogRecord[] = [];
  const access: LogRecord[] = [];
  let seen = 0;
  for (const { record, path, resource } of walk(parse(body), 'resourceLogs', 'scopeLogs', 'logRecords')) {
    seen += 1;
    const attributes = keyValues(record['attributes'], `${path}.attributes`);
    enumeration(record['severityNumber'], `${path}.severityNumber`);
    const former = attributes['event.name'];
    const log: LogRecord = {
      timeUnixNano: unsigned(record['timeUnixNano'], `${path}.timeUnixNano`),
      observedTimeUnixNano: unsigned(record['observedTimeUnixNano'], `${path}.observedTimeUnixNano`),
      eventName: string(record['eventName'], `${path}.eventName`) || (typeof former === 'string' ? former : ''),
      body: record['body'] === undefined ? undefined : anyValue(record['body'], `${path}.body`, 0),
      attributes,
      resource,
      traceId: id(record['traceId'], 16, `${path}.traceId`),
      spanId: id(record['spanId'], 8, `${path}.spanId`),
    };
    const isExplicit = log.eventName.startsWith(EXPLICIT_PREFIX);
    if (isExplicit || isRequest(attributes, screen)) records.push(log);
    if (screen.accessLog === true && !isExplicit && isAccessRecord(attributes)) access.push(log);
  }
  return { records, access, seen };
}

/** Number points of an ExportMetricsServiceRequest in JSON. @throws CollectorError invalid_json */
export function decodeMetricsJson(body: Uint8Array, screen: Screen): Decoded<MetricPoint> {
  const records: MetricPoint[] = [];
  let seen = 0;
  for (const { record, path, resource } of walk(parse(body), 'resourceMetrics', 'scopeMetrics', 'metrics')) {
    const name = string(record['name'], `${path}.name`);
    for (const kind of ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']) {
      const data = object(record[kind], `${path}.${kind}`);
      enumeration(data['aggregationTemporality'], `${path}.${kind}.aggregationTemporality`);
      const points = list(data['dataPoints'], `${path}.${kind}.dataPoints`);
      seen += points.length;
      if ((kind !== 'gauge' && kind !== 'sum') || !screen.metric(name)) continue;
      points.forEach((point, index) => {
        const at = `${path}.${kind}.dataPoints[${index}]`;
        const given = object(point, at);
        const value =
          given['asInt'] === undefined
            ? Number(given['asDouble'] ?? 0)
            : Number(integer(given['asInt'], `${at}.asInt`));
        records.push({
          name,
          unit: string(record['unit'], `${path}.unit`),
          timeUnixNano: unsigned(given['timeUnixNano'], `${at}.timeUnixNano`),
          value,
          attributes: keyValues(given['attributes'], `${at}.attributes`),
          resource,
        });
      });
    }
  }
  return { records, seen };
}
