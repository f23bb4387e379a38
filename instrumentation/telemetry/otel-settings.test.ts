import { expect, test } from 'vitest';
import { otelProblems } from './otel-settings.ts';

test.each([
  [{}],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' https://collector.example:4318/base ' }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
  [{ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'collector:4317', OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'grpc' }],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20key,x=y' }],
  [{ OTEL_EXPORTER_OTLP_TIMEOUT: '10000', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }],
  [{ OTEL_TRACES_EXPORTER: 'otlp,console', OTEL_LOGS_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'prometheus' }],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'service.name=clowder,deployment.environment=test' }],
  [{ OTEL_SOMETHING_ELSE: 'whatever', OTEL_EXPORTER_OTLP_TIMEOUT: 500 }],
])('%j is valid', (given) => {
  expect(otelProblems(given)).toEqual([]);
});

test.each<[string, unknown, string]>([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', 'a URL that begins with http:// or https://'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector.example', 'a URL'],
  ['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT', '//collector:4318', 'a URL'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'grpc://collector', 'a URL'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http', 'one of grpc, http/protobuf, http/json'],
  ['OTEL_EXPORTER_OTLP_LOGS_PROTOCOL', 'json', 'one of'],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '10s', 'a number of milliseconds'],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'br', 'one of gzip, none'],
  ['OTEL_LOGS_EXPORTER', 'otlp,loki', 'a list of otlp, console, none'],
  ['OTEL_TRACES_SAMPLER', 'always', 'one of always_on'],
  ['OTEL_TRACES_SAMPLER_ARG', '25%', 'a number'],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '-1', 'an integer'],
  ['OTEL_BLRP_MAX_QUEUE_SIZE', 'many', 'an integer'],
  ['OTEL_BLRP_SCHEDULE_DELAY', '1s', 'a number of milliseconds'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '1m', 'a number of milliseconds'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'clowder', 'pairs such as name=value, separated by commas'],
  ['OTEL_SDK_DISABLED', 'yes', 'one of true, false'],
])('%s=%s is reported, with what is allowed', (name, value, mayBe) => {
  const [problem, ...others] = otelProblems({ [name]: value });
  expect(others).toEqual([]);
  expect(problem?.name).toBe(name);
  expect(problem?.message).not.toMatch(/commas.*commas/);
  expect(problem?.message).toContain(`${name} was ${JSON.stringify(value)}: it may be ${mayBe}`);
});

test('no secret of malformed headers or of a URL is shown', () => {
  const problems = otelProblems({
    OTEL_EXPORTER_OTLP_HEADERS: 'Bearer s3cret',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://me:s3cret@collector/?key=s3cret',
  });
  expect(problems.map(({ name }) => name)).toEqual(['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_HEADERS']);
  expect(JSON.stringify(problems)).not.toContain('s3cret');
});
