import type { LogRecord, MetricPoint, SpanRecord } from '../../taxonomy/telemetry.ts';
import type { AccessRecord } from '../../collector/connections/access-line.ts';
import type { Decoding, LogSink, RecordSink } from '../../collector/otlp/decoding.ts';
import * as json from '../../collector/otlp/json.ts';
import * as protobuf from '../../collector/otlp/protobuf.ts';
import type { Screen } from '../../collector/otlp/screen.ts';

/** Everything that a decoder delivers from one body. */
export interface Decoded<R> {
  readonly records: readonly R[];
  /** Why the remaining records could not be read. */
  readonly refused: readonly string[];
  readonly seen: number;
}

function decodeAll<R>(decode: (sink: RecordSink<R>) => Decoding): Decoded<R> {
  const records: R[] = [];
  const refused: string[] = [];
  const decoding = decode({ take: (record) => records.push(record), refuse: (reason) => refused.push(reason) });
  let step = decoding.next();
  while (step.done !== true) step = decoding.next();
  return { records, refused, seen: step.value };
}

function decodeAllLogs(
  decode: (body: Uint8Array, screen: Screen, sink: LogSink) => Decoding,
  body: Uint8Array,
  screen: Screen,
): Decoded<LogRecord> & { readonly access: readonly AccessRecord[] } {
  const access: AccessRecord[] = [];
  const decoded = decodeAll<LogRecord>((sink) => decode(body, screen, { ...sink, access: (one) => access.push(one) }));
  return { ...decoded, access };
}

/** The collector's decoders, for tests that want a whole small body at once. */
export const decodeTraces = (body: Uint8Array, screen: Screen): Decoded<SpanRecord> =>
  decodeAll((sink) => protobuf.decodeTraces(body, screen, sink));
export const decodeTracesJson = (body: Uint8Array, screen: Screen): Decoded<SpanRecord> =>
  decodeAll((sink) => json.decodeTracesJson(body, screen, sink));
export const decodeLogs = (body: Uint8Array, screen: Screen) => decodeAllLogs(protobuf.decodeLogs, body, screen);
export const decodeLogsJson = (body: Uint8Array, screen: Screen) => decodeAllLogs(json.decodeLogsJson, body, screen);
export const decodeMetrics = (body: Uint8Array, screen: Screen): Decoded<MetricPoint> =>
  decodeAll((sink) => protobuf.decodeMetrics(body, screen, sink));
export const decodeMetricsJson = (body: Uint8Array, screen: Screen): Decoded<MetricPoint> =>
  decodeAll((sink) => json.decodeMetricsJson(body, screen, sink));
