import { execFile } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedEventId } from '../../taxonomy/index.ts';
import { bindEventSink, consumeEventSink, type EventSink } from '../support/consumer.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { startOtelCollector, type OtelCollector } from '../support/otel-collector.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { emitDownload } from '../support/sdk-program.ts';
import { PYTHON } from '../support/tools.ts';
import { waitFor } from '../support/wait-for.ts';

const FILE = '5f1e00000000000000000001';

let broker: RabbitNode;
let collector: CollectorProcess;
let sink: EventSink;

beforeAll(async () => {
  broker = await startRabbitNode();
});

afterAll(async () => {
  await broker.stop();
});

/** Forwards OTLP to our collector, as an operator would configure it. */
const forwardTo = (url: string, encoding: 'proto' | 'json'): Promise<OtelCollector> =>
  startOtelCollector(({ otlpPort }) => ({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlpPort}` } } } },
    exporters: { otlp_http: { endpoint: url, encoding, compression: 'gzip' } },
    service: {
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['otlp_http'] },
        logs: { receivers: ['otlp'], exporters: ['otlp_http'] },
      },
    },
  }));

describe('telemetry through the real OpenTelemetry Collector', () => {
  beforeAll(async () => {
    await bindEventSink(broker.url);
    collector = await startCollector({ amqpUrl: broker.url });
    sink = await consumeEventSink(broker.url);
  });

  afterAll(async () => {
    await sink[Symbol.asyncDispose]();
    await collector.stop();
  });

  test.each(['proto', 'json'] as const)(
    'spans and logs of an OTel SDK arrive as flat JSON, each event once (%s, gzip)',
    async (encoding) => {
      await using otel = await forwardTo(collector.url, encoding);
      const before = sink.received.length;
      const { traceId } = await emitDownload(otel.url, encoding, FILE);
      await waitFor(() => sink.received.length >= before + 2, { what: 'both events' });
      const events = sink.received.slice(before);
      expect(events.map((one) => String(one.body['event'])).toSorted()).toEqual([
        'extraction.working',
        'view.download',
      ]);
      const download = events.find(
        (one) => one.routingKey === 'view.download' || one.body['event'] === 'view.download',
      );
      expect(download?.body).toMatchObject({
        category: 'download',
        type: 'file',
        resource_id: FILE,
        bytes: 42,
        size: 42,
        trace_id: traceId,
        url: expect.stringContaining('key=REDACTED') as string,
      });
      expect(Number.isInteger(download?.body['created'])).toBe(true);
      expect(download?.headers).toMatchObject({
        cloudEvents_specversion: '1.0',
        cloudEvents_type: 'view.download',
        cloudEvents_id: download?.messageId,
        cloudEvents_subject: `file/${FILE}`,
      });
      expect(download?.headers['traceparent']).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    },
  );

  test('one request reported by two spans and one access-log line is one event, and a resent batch adds none', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const before = sink.received.length;
    const spans = otlpSpans(traceId, ['b7ad6b7169203331', '00f067aa0ba902b7']);
    await post('/v1/traces', spans);
    await post('/v1/logs', accessLog(traceId));
    await post('/v1/traces', spans, true);
    await post('/api/v1/events', { event: 'file.deleted', file_id: FILE, event_id: 'the-last-one' });
    await waitFor(() => sink.received.some((one) => one.messageId === 'the-last-one'), { what: 'the last event' });
    expect(sink.received.slice(before).map((one) => one.body['event'])).toEqual(['view.download', 'file.deleted']);
  });

  test("a marked observation waits for the proxy's own event, and is dropped when it comes", async () => {
    const traceId = '1af7651916cd43dd8448eb211c80319c';
    const before = sink.received.length;
    const own = derivedEventId(traceId, 'view.download', FILE);
    await post('/v1/traces', otlpSpans(traceId, ['b7ad6b7169203331'], 'clowder=captured'));
    expect(await observationsWaiting()).toBe(1);
    const proxys = {
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [
                {
                  eventName: 'clowder.view.download',
                  timeUnixNano: nowNano(),
                  traceId,
                  spanId: 'b7ad6b7169203332',
                  attributes: [
                    text('clowder.source', 'proxy'),
                    text('clowder.resource.type', 'file'),
                    text('clowder.resource.id', FILE),
                    text('clowder.event.id', own),
                  ],
                },
              ],
            },
          ],
        },
      ],
    };
    await post('/v1/logs', proxys);
    await post('/api/v1/events', { event: 'file.deleted', file_id: FILE, event_id: 'after-the-marked' });
    await waitFor(() => sink.received.some((one) => one.messageId === 'after-the-marked'), { what: 'the last event' });
    expect(sink.received.slice(before).map((one) => one.messageId)).toEqual([own, 'after-the-marked']);
    expect(await observationsWaiting()).toBe(0);
  });

  test('a Python consumer reads a message like those that exist today', async () => {
    await sink[Symbol.asyncDispose]();
    await post('/api/v1/events', {
      event: 'file.uploaded',
      file_id: FILE,
      file_name: 'a.txt',
      bytes: 7,
      user_id: 'u1',
    });
    const { stdout } = await promisify(execFile)(PYTHON, ['test/support/field_consumer.py', broker.url], {
      timeout: 60_000,
    });
    expect(JSON.parse(stdout)).toEqual({
      category: 'upload',
      type: 'file',
      resource_id: FILE,
      resource_name: 'a.txt',
      size: 7,
      user_id: 'u1',
      created_is_int: true,
    });
    sink = await consumeEventSink(broker.url);
  });
});

describe('the collector without a broker', () => {
  test('accepts events, which arrive in order when a broker appears', async () => {
    await bindEventSink(broker.url);
    await broker.stopApp();
    await using waiting = await startCollector({ amqpUrl: broker.url });
    const ids = Array.from({ length: 500 }, (_, index) => `in-order-${index}`);
    for (const id of ids) {
      const response = await fetch(`${waiting.url}/api/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ event: 'file.uploaded', event_id: id, file_id: FILE }),
      });
      expect(response.status).toBe(202);
    }
    expect(await (await fetch(`${waiting.url}/readyz`)).json()).toMatchObject({
      status: 'degraded',
      checks: { broker: { ok: false } },
    });
    await broker.startApp();
    await using late = await consumeEventSink(broker.url);
    const arrived = (): string[] => late.ids().filter((id) => id.startsWith('in-order-'));
    await waitFor(() => arrived().length === ids.length, { what: 'all events' });
    expect(arrived()).toEqual(ids);
  });
});

/** Marked observations that wait now. */
async function observationsWaiting(): Promise<number> {
  const metrics = await (await fetch(`${collector.url}/metrics`)).text();
  return Number(/^clowder_otel_waiting_observations (\d+)$/m.exec(metrics)?.[1]);
}

const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const nowNano = (): string => `${Date.now()}000000`;

const request = [
  text('http.request.method', 'GET'),
  text('url.path', `/api/files/${FILE}/blob`),
  { key: 'http.response.status_code', value: { intValue: '200' } },
];

function otlpSpans(traceId: string, spanIds: readonly string[], traceState = ''): object {
  const spans = spanIds.map((spanId) => ({
    traceId,
    spanId,
    traceState,
    name: 'GET',
    kind: 2,
    startTimeUnixNano: nowNano(),
    endTimeUnixNano: nowNano(),
    attributes: request,
  }));
  return { resourceSpans: [{ scopeSpans: [{ spans }] }] };
}

function accessLog(traceId: string): object {
  return {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: nowNano(), traceId, attributes: request }] }] }],
  };
}

async function post(path: string, body: object, compressed = false): Promise<void> {
  const json = Buffer.from(JSON.stringify(body));
  const response = await fetch(`${collector.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(compressed && { 'content-encoding': 'gzip' }) },
    body: compressed ? gzipSync(json) : json,
  });
  expect([200, 202]).toContain(response.status);
  await response.arrayBuffer();
}
