import { afterEach, describe, expect, test, vi } from 'vitest';
import { encodedSample } from './suitable.ts';

afterEach(() => void vi.unstubAllEnvs());

const given = (env: Readonly<Record<string, string>>): ReturnType<typeof encodedSample> => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return encodedSample();
};

describe('requests are encoded without the SDK', () => {
  test.each<[Record<string, string>, (boolean | undefined)[]]>([
    [{}, [true, false, true]],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, [true, false, true]],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, [true, false, false]],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, [true, true, true]],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, [false, false, false]],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_TRACES_EXPORTER: 'otlp' }, [true, false, true]],
  ])('with %j, and sampled as the SDK would', (env, decisions) => {
    const sample = given(env);
    expect([true, false, undefined].map((caller) => sample?.(caller))).toEqual(decisions);
  });
});

test.each<Record<string, string>>([
  { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
  { OTEL_TRACES_EXPORTER: 'console' },
  { OTEL_LOGS_EXPORTER: 'none' },
  { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
  { OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'grpc' },
  { OTEL_PROPAGATORS: 'b3' },
  { OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '100' },
])('the SDK encodes them with %j', (env) => {
  expect(given(env)).toBeUndefined();
});
