import { SpanKind } from '@opentelemetry/api';
import { ExportResultCode, TraceState, type ExportResult } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import type { EventMessage } from '../message.ts';
import type { Outcome, Publisher } from '../publisher.ts';
import { fromReadableLogRecord, fromReadableSpan } from './convert.ts';
import { RabbitMQLogRecordExporter } from './log-record-exporter.ts';
import { RabbitMQSpanExporter } from './span-exporter.ts';

const FILE = '5f1e00000000000000000001';
const NOW_S = Math.floor(Date.now() / 1000);
const scope = { name: 'test' };
const spanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  traceState: new TraceState('a=b'),
};
const span: ReadableSpan = {
  name: 'GET',
  kind: SpanKind.SERVER,
  spanContext: () => spanContext,
  startTime: [NOW_S, 5],
  endTime: [NOW_S, 1_000_005],
  status: { code: 0 },
  attributes: { 'http.request.method': 'GET', 'url.path': `/api/files/${FILE}/blob`, 'http.response.status_code': 200 },
  links: [],
  events: [{ name: 'note', time: [NOW_S, 6], attributes: { n: 1 } }],
  duration: [0, 1_000_000],
  ended: true,
  resource: resourceFromAttributes({ 'service.name': 'clowder' }),
  instrumentationScope: scope,
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
};
const record: ReadableLogRecord = {
  hrTime: [NOW_S, 0],
  hrTimeObserved: [NOW_S, 1],
  spanContext,
  eventName: 'clowder.file.deleted',
  body: { deep: [1, undefined] },
  resource: resourceFromAttributes({}),
  instrumentationScope: scope,
  attributes: { 'clowder.file.id': FILE },
  droppedAttributesCount: 0,
};

/** Settles with this outcome; with `undefined`, never. */
function fakePublisher(outcome: Outcome | undefined): {
  publisher: Publisher;
  published: EventMessage[];
  closed: () => boolean;
} {
  const published: EventMessage[] = [];
  let closed = false;
  const publisher: Publisher = {
    publish: (message, onSettled) => {
      published.push(message);
      if (outcome !== undefined) setImmediate(onSettled, outcome);
      return true;
    },
    ready: () => Promise.resolve(),
    state: { connected: true, blocked: false, broker: 'amqp://fake', unconfirmed: 0, lastError: undefined },
    counters: { confirmed: 0, returned: 0, nacked: 0, refused: 0, republished: 0, reconnects: 0 },
    close: () => {
      closed = true;
      return Promise.resolve([]);
    },
  };
  return { publisher, published, closed: () => closed };
}

const exported = (exporter: RabbitMQSpanExporter, spans: ReadableSpan[]): Promise<ExportResult> =>
  new Promise((resolve) => exporter.export(spans, resolve));

describe('telemetry of the SDK', () => {
  test('a server span has the kind of OTLP, and its times in nanoseconds', () => {
    const seconds = BigInt(NOW_S) * 1_000_000_000n;
    expect(fromReadableSpan(span)).toMatchObject({
      kind: 2,
      traceState: 'a=b',
      parentSpanId: '',
      startTimeUnixNano: seconds + 5n,
      endTimeUnixNano: seconds + 1_000_005n,
    });
    expect(fromReadableSpan(span)).toMatchObject({
      events: [{ name: 'note', timeUnixNano: seconds + 6n, attributes: { n: 1 } }],
      resource: { 'service.name': 'clowder' },
    });
  });

  test('a log record keeps its name, even if only the deprecated attribute has it', () => {
    expect(fromReadableLogRecord(record)).toMatchObject({
      eventName: 'clowder.file.deleted',
      body: { deep: [1, null] },
      traceId: spanContext.traceId,
    });
    const { eventName: name, ...unnamed } = record;
    expect(fromReadableLogRecord({ ...unnamed, attributes: { 'event.name': name ?? '' } }).eventName).toBe(
      'clowder.file.deleted',
    );
  });
});

describe('the exporters', () => {
  test('succeed when the event is confirmed, and publish it once', async () => {
    const { publisher, published, closed } = fakePublisher('confirmed');
    const exporter = new RabbitMQSpanExporter({ publisher });
    expect(await exported(exporter, [span, span])).toEqual({ code: ExportResultCode.SUCCESS });
    expect(await exported(exporter, [span])).toEqual({ code: ExportResultCode.SUCCESS });
    expect(published.map((message) => message.routingKey)).toEqual(['view.download']);
    await exporter.shutdown();
    expect(closed()).toBe(false);
    expect((await exported(exporter, [span])).code).toBe(ExportResultCode.FAILED);
  });

  test.each([
    ['no queue takes the event', 'returned', /no queue takes them/],
    ['no confirm comes in time', undefined, /did not confirm within 20 ms/],
    ['a full queue keeps refusing the event', 'nacked', /did not confirm within 20 ms/],
    ['RabbitMQ can never take the event', 'refused', /can never be published/],
  ] as const)('fail if %s', async (_what, outcome, reason) => {
    const exporter = new RabbitMQSpanExporter({ publisher: fakePublisher(outcome).publisher, timeoutMs: 20 });
    const { code, error } = await exported(exporter, [span]);
    expect(code).toBe(ExportResultCode.FAILED);
    expect(error?.message).toMatch(reason);
  });

  test('publish again what a full queue refused, until it is accepted', async () => {
    const { publisher, published } = fakePublisher('confirmed');
    const outcomes: Outcome[] = ['nacked', 'confirmed'];
    const full: Publisher = {
      ...publisher,
      publish: (message, onSettled) => {
        published.push(message);
        setImmediate(onSettled, outcomes.shift() ?? 'refused');
        return true;
      },
    };
    expect(await exported(new RabbitMQSpanExporter({ publisher: full }), [span])).toEqual({
      code: ExportResultCode.SUCCESS,
    });
    expect(published.map((message) => message.messageId)).toEqual([published[0]?.messageId, published[0]?.messageId]);
  });

  test('wait on a flush for the confirm of a log record', async () => {
    const { publisher, published } = fakePublisher('confirmed');
    const exporter = new RabbitMQLogRecordExporter({ publisher });
    const results: ExportResult[] = [];
    exporter.export([record], (result) => results.push(result));
    await exporter.forceFlush();
    expect(results).toEqual([{ code: ExportResultCode.SUCCESS }]);
    expect(published[0]?.routingKey).toBe('file.deleted');
  });
});
