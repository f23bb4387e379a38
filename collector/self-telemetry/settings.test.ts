import { describe, expect, test } from 'vitest';
import { selfTelemetrySettings } from './settings.ts';

const own = { host: '127.0.0.1', ports: [4318, 4317] };
const elsewhere = 'http://127.0.0.1:9999';
const read = (environment: Record<string, string>, at = own) => selfTelemetrySettings(environment, at);

describe("the collector's own telemetry", () => {
  test('is off if no endpoint is named, as the default endpoint would be this collector', () => {
    expect(read({})).toMatchObject({ traces: false, metrics: [], warnings: [] });
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' })).toMatchObject({ traces: false, metrics: [] });
  });

  test('is traces and metrics if the common endpoint is named', () =>
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere })).toMatchObject({
      traces: true,
      metrics: ['otlp'],
      protocol: 'http/protobuf',
      exportIntervalMs: 60_000,
      exportTimeoutMs: 30_000,
      warnings: [],
    }));

  test.each([
    ['TRACES', { traces: true, metrics: [] }],
    ['METRICS', { traces: false, metrics: ['otlp'] }],
  ])('is only %s if only their endpoint is named', (signal, sent) =>
    expect(read({ [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]: elsewhere })).toMatchObject(sent),
  );

  test.each([
    [{ OTEL_SDK_DISABLED: 'true' }, { traces: false, metrics: [] }],
    [{ OTEL_SDK_DISABLED: 'TRUE' }, { traces: false, metrics: [] }],
    [{ OTEL_SDK_DISABLED: 'false' }, { traces: true, metrics: ['otlp'] }],
    [{ OTEL_TRACES_EXPORTER: 'none' }, { traces: false, metrics: ['otlp'] }],
    [{ OTEL_METRICS_EXPORTER: 'none' }, { traces: true, metrics: [] }],
    [{ OTEL_METRICS_EXPORTER: 'console, otlp' }, { metrics: ['console', 'otlp'] }],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, { protocol: 'grpc' }],
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json' },
      { protocol: 'http/json' },
    ],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '5000' }, { exportIntervalMs: 5000, exportTimeoutMs: 5000 }],
    [{ OTEL_METRIC_EXPORT_TIMEOUT: '700' }, { exportIntervalMs: 60_000, exportTimeoutMs: 700 }],
    [{ OTEL_METRIC_EXPORT_INTERVAL: 'soon' }, { exportIntervalMs: 60_000 }],
    [{ OTEL_METRIC_EXPORT_INTERVAL: '-1' }, { exportIntervalMs: 60_000 }],
  ])('honours %j', (more, expected) =>
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere, ...more })).toMatchObject(expected),
  );

  test.each([
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon' }, 'it may be http/protobuf, http/json, grpc'],
    [{ OTEL_METRICS_EXPORTER: 'prometheus' }, 'it may be otlp, console or none'],
  ])('warns of %j', (more, warning) =>
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere, ...more }).warnings).toEqual([
      expect.stringContaining(warning),
    ]),
  );
});

describe('an endpoint that is this collector', () => {
  test.each([
    ['http://127.0.0.1:4318', own],
    ['http://localhost:4318/', own],
    ['http://localhost:4317', own],
    ['http://[::1]:4318', own],
    ['http://localhost:4318', { host: '0.0.0.0', ports: [4318] }],
    ['http://10.1.2.3:4318', { host: '10.1.2.3', ports: [4318] }],
    ['http://localhost', { host: '127.0.0.1', ports: [80] }],
    ['https://localhost', { host: '127.0.0.1', ports: [443] }],
  ])('%s gets nothing, and a warning names it', (endpoint, at) => {
    const { traces, metrics, warnings } = read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, at);
    expect({ traces, metrics }).toEqual({ traces: false, metrics: [] });
    expect(warnings).toHaveLength(2);
    for (const warning of warnings) expect(warning).toContain(`OTEL_EXPORTER_OTLP_ENDPOINT was ${endpoint}`);
  });

  test.each([
    ['http://127.0.0.1:4319', own],
    ['http://example.org:4318', own],
    ['http://127.0.0.1:4318', { host: '10.1.2.3', ports: [4318] }],
    ['not a URL', own],
  ])('%s is not this collector if it listens at %j', (endpoint, at) =>
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, at).traces).toBe(true),
  );

  test('stops only the signal that would go there', () =>
    expect(
      read({
        OTEL_EXPORTER_OTLP_ENDPOINT: elsewhere,
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://127.0.0.1:4318/v1/metrics',
      }),
    ).toMatchObject({ traces: true, metrics: [] }));
});
