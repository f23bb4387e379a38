import { SpanKind } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { toMessage } from '../../exporter/message.ts';
import { PublishSpans } from './publish-spans.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const traced = toMessage({ event_id: 'e1', event: 'file.uploaded', created: 0, trace_id: TRACE, span_id: SPAN });
const untraced = toMessage({ event_id: 'e2', event: 'file.uploaded', created: 0 });
const wronglyTraced = toMessage({ event_id: 'e3', event: 'file.uploaded', created: 0, trace_id: 'x', span_id: SPAN });

let exporter: InMemorySpanExporter;
let spans: PublishSpans;
let broker: string;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_790_000_000_000 });
  exporter = new InMemorySpanExporter();
  broker = 'amqp://127.0.0.1:5672';
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  spans = new PublishSpans({ tracer: provider.getTracer('test'), broker: () => broker });
});

afterEach(() => {
  spans.stop();
  vi.useRealTimers();
});

const finished = () => exporter.getFinishedSpans();

describe('a span of publishing', () => {
  test('covers everything that was settled within a second', () => {
    spans.settled(traced, 'confirmed', 0.25);
    vi.advanceTimersByTime(400);
    spans.settled(untraced, 'confirmed', 0.01);
    expect(finished()).toEqual([]);
    vi.advanceTimersByTime(600);
    expect(finished()).toHaveLength(1);
    const [span] = finished();
    expect(span).toMatchObject({
      name: 'publish clowder.events',
      kind: SpanKind.CLIENT,
      parentSpanContext: undefined,
      startTime: [1_789_999_999, 750_000_000],
      endTime: [1_790_000_000, 400_000_000],
      attributes: {
        'messaging.system': 'rabbitmq',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'clowder.events',
        'messaging.batch.message_count': 2,
        'server.address': '127.0.0.1',
        'server.port': 5672,
      },
    });
    expect(span?.attributes).not.toHaveProperty('clowder.publish.returned_count');
  });

  test('links to the context of each message that has one', () => {
    for (const message of [traced, untraced, wronglyTraced, traced]) spans.settled(message, 'confirmed', 0);
    spans.flush();
    const context = { traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true };
    expect(finished()[0]?.links.map((link) => link.context)).toEqual([context, context]);
    expect(finished()[0]?.attributes['messaging.batch.message_count']).toBe(4);
  });

  test('has at most 128 links, and counts all messages', () => {
    for (let index = 0; index < 1000; index += 1) spans.settled(traced, 'confirmed', 0);
    spans.flush();
    expect(finished()[0]?.links).toHaveLength(128);
    expect(finished()[0]?.droppedLinksCount).toBe(0);
    expect(finished()[0]?.attributes['messaging.batch.message_count']).toBe(1000);
  });

  test('counts what no queue took', () => {
    spans.settled(traced, 'returned', 0);
    spans.settled(traced, 'confirmed', 0);
    spans.flush();
    expect(finished()[0]?.attributes['clowder.publish.returned_count']).toBe(1);
  });

  test.each([
    ['amqps://broker.example', { 'server.address': 'broker.example', 'server.port': 5671 }],
    ['amqp://broker.example', { 'server.address': 'broker.example', 'server.port': 5672 }],
    ['', {}],
  ])('names the broker of %j', (url, expected) => {
    broker = url;
    spans.settled(traced, 'confirmed', 0);
    spans.flush();
    const { 'server.address': address, 'server.port': port } = finished()[0]?.attributes ?? {};
    expect(JSON.parse(JSON.stringify({ 'server.address': address, 'server.port': port }))).toEqual(expected);
  });
});

test('there is no span for a second in which nothing was settled', () => {
  spans.settled(traced, 'returned', 0);
  vi.advanceTimersByTime(10_000);
  expect(finished()).toHaveLength(1);
  spans.settled(untraced, 'confirmed', 0);
  vi.advanceTimersByTime(10_000);
  expect(finished()).toHaveLength(2);
  expect(finished()[1]).toMatchObject({ links: [], attributes: { 'messaging.batch.message_count': 1 } });
  expect(finished()[1]?.attributes).not.toHaveProperty('clowder.publish.returned_count');
});

test('the rest is in a last span, and none follows', () => {
  spans.settled(traced, 'confirmed', 0);
  spans.stop();
  expect(finished()).toHaveLength(1);
  spans.settled(traced, 'confirmed', 0);
  vi.advanceTimersByTime(10_000);
  expect(finished()).toHaveLength(1);
});
