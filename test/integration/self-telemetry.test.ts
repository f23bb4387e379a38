import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bindEventSink } from '../support/consumer.ts';
import { attributesOf, startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { freePort } from '../support/processes.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

/** The collector's own telemetry leaves often, so that tests wait briefly. */
const OFTEN = { OTEL_BSP_SCHEDULE_DELAY: '100', OTEL_METRIC_EXPORT_INTERVAL: '500' };
const JSON_OFTEN = { ...OFTEN, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
const NO_BROKER = 'amqp://127.0.0.1:1';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const PUBLISH = 'publish clowder.events';

let broker: VirtualHost;

beforeAll(async () => {
  broker = await openVhost();
  await bindEventSink(broker.url);
});

afterAll(() => broker[Symbol.asyncDispose]());

async function post(collector: CollectorProcess, events: readonly object[], headers: Record<string, string> = {}) {
  const response = await fetch(`${collector.url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(events),
  });
  expect(response.status).toBe(202);
}

const upload = (fileId: string, more: object = {}) => ({ event: 'file.uploaded', file_id: fileId, ...more });

/** Sum of a metric at /metrics over all label sets; 0 if it has none. */
async function metric(collector: CollectorProcess, name: string): Promise<number> {
  const text = await (await fetch(`${collector.url}/metrics`)).text();
  return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );
}

function published(sink: OtlpSink): number {
  return sink
    .spans(PUBLISH)
    .reduce((sum, span) => sum + Number(attributesOf(span.attributes)['messaging.batch.message_count']), 0);
}

describe('with an OTLP endpoint elsewhere', () => {
  test('spans of publishing arrive, link to the contexts of the events, and count every message', async () => {
    await using sink = await startOtlpSink();
    await using collector = await startCollector({
      amqpUrl: broker.url,
      env: { ...JSON_OFTEN, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
    });
    const events = Array.from({ length: 500 }, (_, index) => upload(`many-${index}`));
    await post(collector, [...events, upload('traced', { trace_id: TRACE, span_id: SPAN })]);
    await waitFor(() => published(sink) >= 501, { what: 'the spans of 501 messages' });

    expect(published(sink)).toBe(501);
    const links = sink.spans(PUBLISH).flatMap((span) => span.links);
    expect(links.map(({ traceId, spanId }) => ({ traceId, spanId }))).toEqual([{ traceId: TRACE, spanId: SPAN }]);
    for (const span of sink.spans(PUBLISH)) {
      expect(span.kind).toBe(3);
      expect(span.parentSpanId ?? '').toBe('');
      expect(attributesOf(span.attributes)).toMatchObject({
        'messaging.system': 'rabbitmq',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'clowder.events',
        'server.address': '127.0.0.1',
        'server.port': new URL(broker.url).port,
      });
    }
  });

  test('the same metrics arrive as at /metrics', async () => {
    await using sink = await startOtlpSink();
    await using collector = await startCollector({
      amqpUrl: broker.url,
      env: { ...JSON_OFTEN, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_SERVICE_NAME: 'collector-of-the-test' },
    });
    const events = Array.from({ length: 20 }, (_, index) => upload(`measured-${index}`));
    await post(collector, events);
    await waitFor(() => sink.value('clowder_otel_published_events_total', { outcome: 'confirmed' }) === 20, {
      what: 'the count of 20 confirmed events',
    });

    expect(sink.value('clowder_otel_events_total', { type: 'file.uploaded' })).toBe(20);
    expect(sink.value('clowder_otel_publish_seconds')).toBe(20);
    expect(sink.value('clowder_otel_broker_connected')).toBe(1);
    expect(sink.resource()).toMatchObject({ 'service.name': 'collector-of-the-test', 'service.version': '0.1.0' });
    expect(await metric(collector, 'clowder_otel_publish_seconds_count')).toBe(20);
  });

  test("an API request is a span in its client's trace", async () => {
    await using sink = await startOtlpSink();
    await using collector = await startCollector({
      amqpUrl: NO_BROKER,
      env: { ...JSON_OFTEN, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
    });
    await post(collector, [upload('by-request')], { traceparent: `00-${TRACE}-${SPAN}-01` });
    const span = await waitFor(() => sink.spans('POST')[0], { what: 'the span of the request' });
    expect(span).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, kind: 2 });
    expect(attributesOf(span.attributes)).toMatchObject({ 'url.path': '/api/v1/events' });
    expect(sink.requests.filter((one) => one.traceparent !== undefined)).toEqual([]);
  });

  test('the rest is sent before the collector ends', async () => {
    await using sink = await startOtlpSink();
    const rare = { OTEL_BSP_SCHEDULE_DELAY: '600000', OTEL_METRIC_EXPORT_INTERVAL: '600000' };
    await using collector = await startCollector({
      amqpUrl: broker.url,
      env: { ...JSON_OFTEN, ...rare, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
    });
    await post(collector, [upload('last')]);
    await waitFor(async () => (await metric(collector, 'clowder_otel_published_events_total')) === 1, {
      what: 'the confirm',
    });
    expect(sink.requests).toEqual([]);
    expect(await collector.kill()).toEqual({ code: 0, signal: null });
    expect(published(sink)).toBe(1);
    expect(sink.value('clowder_otel_events_total', { type: 'file.uploaded' })).toBe(1);
  });

  test('a receiver that is down delays neither events nor the end', async () => {
    await using collector = await startCollector({
      amqpUrl: broker.url,
      env: { ...OFTEN, OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}` },
    });
    await post(collector, [upload('regardless')]);
    await waitFor(async () => (await metric(collector, 'clowder_otel_published_events_total')) === 1, {
      what: 'the confirm',
    });
    await waitFor(() => collector.output().includes('own telemetry'), { what: 'a complaint in the log' });
    expect(await collector.kill()).toEqual({ code: 0, signal: null });
  });
});

describe('the standard variables', () => {
  test.each([
    [{ OTEL_SDK_DISABLED: 'true' }, []],
    [{ OTEL_TRACES_EXPORTER: 'none' }, ['/v1/metrics']],
    [{ OTEL_METRICS_EXPORTER: 'none' }, ['/v1/traces']],
  ])('%j: telemetry arrives at %j', async (more, paths) => {
    await using sink = await startOtlpSink();
    await using collector = await startCollector({
      amqpUrl: NO_BROKER,
      env: { ...JSON_OFTEN, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, ...more },
    });
    await post(collector, [upload('by-variable')]);
    // Ending flushes, so everything has arrived then.
    await collector.kill();
    expect([...new Set(sink.requests.map((one) => one.path))]).toEqual(paths);
  });
});

describe('with an endpoint that leads back to the collector', () => {
  test('nothing is sent, and the log says so', async () => {
    const port = await freePort();
    await using collector = await startCollector({
      port,
      amqpUrl: NO_BROKER,
      env: { ...OFTEN, OTEL_EXPORTER_OTLP_ENDPOINT: `http://localhost:${port}` },
    });
    await post(collector, [upload('to-itself')]);
    expect(collector.output()).toContain(`OTEL_EXPORTER_OTLP_ENDPOINT was http://localhost:${port}: that is this`);
    const startedS = await metric(collector, 'process_start_time_seconds');
    await waitFor(() => Date.now() / 1000 - startedS > 2, { what: 'the time of three exports' });
    expect(await metric(collector, 'clowder_otel_otlp_records_total')).toBe(0);
  });

  test('over a relay that the collector cannot detect, its own telemetry makes neither events nor spans', async () => {
    const port = await freePort();
    await using relay = await startRelay(port);
    await using collector = await startCollector({
      port,
      amqpUrl: broker.url,
      env: { ...OFTEN, OTEL_EXPORTER_OTLP_ENDPOINT: relay.url },
    });
    await post(collector, [upload('around')]);
    await fetch(`${collector.url}/api/v1/events`);
    await fetch(`${collector.url}/api/status`);
    const of = (signal: string) => relay.paths.filter((path) => path === `/v1/${signal}`).length;
    // Two API requests and one span of publishing.
    await waitFor(async () => (await recordsOf(collector, 'traces')) === 3, { what: 'its own spans to come back' });
    const exports = of('metrics');
    await waitFor(() => of('metrics') >= exports + 6, { what: 'six more rounds of metrics' });

    expect(await recordsOf(collector, 'traces')).toBe(3);
    expect(await recordsOf(collector, 'metrics')).toBeGreaterThan(0);
    expect(await metric(collector, 'clowder_otel_events_total')).toBe(1);
    expect(await metric(collector, 'clowder_otel_rejected_events_total')).toBe(0);
    expect(await metric(collector, 'clowder_otel_ignored_records_total')).toBe(
      await metric(collector, 'clowder_otel_otlp_records_total'),
    );
  });
});

async function recordsOf(collector: CollectorProcess, signal: string): Promise<number> {
  return metric(collector, `clowder_otel_otlp_records_total\\{signal="${signal}"\\}`);
}

/** Passes every request on to the collector, like an OTel Collector in between. */
async function startRelay(port: number) {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    const onward = forward(
      { host: '127.0.0.1', port, path: request.url, method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return {
    url: `http://127.0.0.1:${address.port}`,
    paths,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
