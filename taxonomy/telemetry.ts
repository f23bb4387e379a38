/**
 * Telemetry in a neutral form: the content of an OTLP span, log record or metric without its encoding. The collector's decoders
 * and the exporters for the OTel SDK produce it; the mapping reads nothing else.
 */

export type AttributeValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** `SpanKind` as numbered in OTLP (opentelemetry-proto trace.proto), not as in the JavaScript API. */
export const SPAN_KIND_SERVER = 2;

export interface SpanEventRecord {
  readonly name: string;
  readonly timeUnixNano: bigint;
  readonly attributes: Attributes;
}

export interface SpanRecord {
  /** 32 lower-case hex digits, or '' if absent. */
  readonly traceId: string;
  /** 16 lower-case hex digits, or '' if absent. */
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Value of the W3C tracestate header, '' if absent. */
  readonly traceState: string;
  readonly name: string;
  /** As numbered in OTLP: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startTimeUnixNano: bigint;
  readonly endTimeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly events: readonly SpanEventRecord[];
  readonly resource: Attributes;
}

export interface LogRecord {
  readonly timeUnixNano: bigint;
  readonly observedTimeUnixNano: bigint;
  /** Top-level `event_name`, or the deprecated attribute `event.name`; '' if neither is set. */
  readonly eventName: string;
  readonly body: AttributeValue | undefined;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
}

/** One number data point of a gauge or sum. */
export interface MetricPoint {
  readonly name: string;
  readonly unit: string;
  readonly timeUnixNano: bigint;
  readonly value: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
}
