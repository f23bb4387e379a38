import { getStringFromEnv, getStringListFromEnv } from '@opentelemetry/core';
import type { Sample } from './encoded-server-telemetry.ts';

/** The values of OTEL_TRACES_SAMPLER that depend on nothing but the caller's decision. */
const SAMPLERS: Readonly<Record<string, Sample>> = {
  always_on: () => true,
  always_off: () => false,
  parentbased_always_on: (caller) => caller ?? true,
  parentbased_always_off: (caller) => caller ?? false,
};

/** Each of these limits what the SDK records. */
const LIMITS = [
  'OTEL_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  'OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT',
  'OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT',
];

/**
 * Whether requests may be encoded without the SDK. The settings must be those of the defaults: export by OTLP over
 * http/protobuf, the W3C trace context, and no limits.
 *
 * @returns how requests are sampled; undefined if the SDK must do the work
 */
export function encodedSample(): Sample | undefined {
  const plain =
    ['OTEL_TRACES_EXPORTER', 'OTEL_LOGS_EXPORTER'].every((name) => (getStringFromEnv(name) ?? 'otlp') === 'otlp') &&
    ['TRACES', 'LOGS'].every((signal) => protocolOf(signal) === 'http/protobuf') &&
    (getStringListFromEnv('OTEL_PROPAGATORS') ?? ['tracecontext']).includes('tracecontext') &&
    LIMITS.every((name) => getStringFromEnv(name) === undefined);
  return plain ? SAMPLERS[getStringFromEnv('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on'] : undefined;
}

function protocolOf(signal: string): string {
  return (
    getStringFromEnv(`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`) ??
    getStringFromEnv('OTEL_EXPORTER_OTLP_PROTOCOL') ??
    'http/protobuf'
  );
}
