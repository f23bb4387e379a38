import { ROOT_CONTEXT, SpanKind, SpanStatusCode, createNoopMeter, trace } from '@opentelemetry/api';
import { RPCType, getRPCMetadata, setRPCMetadata } from '@opentelemetry/core';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { endingWith, requestHead as head } from '../../test/support/captured-request.ts';
import type { Capture } from '../capture/types.ts';
import { createServerTelemetry, type ServerTelemetryOptions } from './server-telemetry.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

function setUp(options: Partial<ServerTelemetryOptions> & { sampled?: boolean } = {}): {
  telemetry: ReturnType<typeof createServerTelemetry>;
  tracers: TracerProvider;
  spans: InMemorySpanExporter;
  logs: InMemoryLogRecordExporter;
} {
  const spans = new InMemorySpanExporter();
  const logs = new InMemoryLogRecordExporter();
  const tracers = new TracerProvider({
    sampler: options.sampled === false ? new AlwaysOffSampler() : new AlwaysOnSampler(),
    spanProcessors: [new SimpleSpanProcessor({ exporter: spans })],
  });
  const loggers = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logs })] });
  const telemetry = createServerTelemetry({
    tracer: tracers.getTracer('test'),
    logger: loggers.getLogger('test'),
    meter: createNoopMeter(),
    ...options,
  });
  return { telemetry, tracers, spans, logs };
}

function only<T>(all: readonly T[]): T {
  const [first] = all;
  if (first === undefined || all.length > 1) throw new Error(`${all.length} instead of one`);
  return first;
}

const uploaded = { type: 'file.uploaded', attributes: { 'clowder.file.id': 'f1' } } as const;

describe('the server span', () => {
  test('is named by method and route, has the attributes of head and end, and is marked as captured', () => {
    const { telemetry, spans } = setUp();
    telemetry.start(head(), endingWith()).end({ complete: true });
    const span = only(spans.getFinishedSpans());
    expect(span.name).toBe('POST /api/files');
    expect(span.kind).toBe(SpanKind.SERVER);
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(span.attributes).toEqual({
      'http.request.method': 'POST',
      'clowder.route': '/api/files',
      'http.route': '/api/files',
      'clowder.captured': true,
      'http.response.status_code': 200,
    });
  });

  test('of a request that cannot be an event is not marked, and neither is the forwarded request', () => {
    const { telemetry, spans } = setUp();
    const request = telemetry.start(head(), endingWith({}, { mayBeEvent: false, route: undefined, attributes: {} }));
    expect(request.forwardHeaders().tracestate).toBeUndefined();
    request.end({ complete: true });
    expect(only(spans.getFinishedSpans()).attributes).not.toHaveProperty('clowder.captured');
    expect(only(spans.getFinishedSpans()).name).toBe('HTTP');
  });

  test("begins a trace of its own with a link to an untrusted caller's context", () => {
    const { telemetry, spans } = setUp();
    const request = telemetry.start(
      head({ traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'rojo=1', baggage: 'a=b' }),
      endingWith(),
    );
    request.end({ complete: true });
    const span = only(spans.getFinishedSpans());
    expect(request.traceId).not.toBe(TRACE);
    expect(span.parentSpanContext).toBeUndefined();
    expect(only(span.links).context).toMatchObject({ traceId: TRACE, spanId: PARENT });
    expect(request.forwardHeaders().tracestate).toBe(`clowder=${span.spanContext().spanId}`);
  });

  test('links to what a trusted caller says its client sent', () => {
    const { telemetry, spans } = setUp({ trusts: () => true });
    const ofClient = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-00`;
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, 'x-clowder-client-traceparent': ofClient };
    telemetry.start(head(headers), endingWith()).end({ complete: true });
    expect(only(only(spans.getFinishedSpans()).links).context.traceId).toBe('ab'.repeat(16));
  });

  test("is a child of a trusted caller's span, and has an id of its own", () => {
    const { telemetry, spans } = setUp({ trusts: ({ remoteAddress }) => remoteAddress === '10.0.0.1' });
    const request = telemetry.start(head({ traceparent: `00-${TRACE}-${PARENT}-01` }), endingWith());
    request.end({ complete: true });
    const span = only(spans.getFinishedSpans());
    expect([request.traceId, span.parentSpanContext?.spanId]).toEqual([TRACE, PARENT]);
    expect(span.links).toEqual([]);
    expect(request.requestId).toBe(span.spanContext().spanId);
  });

  test.each([
    ['a status of 5xx', { attributes: { 'http.response.status_code': 502 } }, undefined, '502'],
    ['an error with a code', {}, Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['an error without a code', {}, new TypeError('odd'), 'TypeError'],
  ])('of %s has failed', (_what, result, error, errorType) => {
    const { telemetry, spans } = setUp();
    telemetry.start(head(), endingWith(result)).end({ complete: error === undefined, error });
    const span = only(spans.getFinishedSpans());
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.attributes['error.type']).toBe(errorType);
  });

  test('ends once, even if the capture fails', () => {
    const problems: unknown[] = [];
    const { telemetry, spans } = setUp({ onError: (error) => void problems.push(error) });
    const failing: Capture = {
      ...endingWith(),
      end: () => {
        throw new Error('bug');
      },
    };
    const request = telemetry.start(head(), failing);
    request.end({ complete: true });
    request.end({ complete: true });
    expect(spans.getFinishedSpans()).toHaveLength(1);
    expect(problems.map(String)).toEqual(['Error: bug']);
  });
});

describe('the forwarded request', () => {
  test('has our span as parent, and our mark first', () => {
    const { telemetry, spans } = setUp({ trusts: () => true });
    const request = telemetry.start(
      head({ traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'rojo=1,congo=2' }),
      endingWith(),
    );
    const { traceparent, tracestate } = request.forwardHeaders();
    request.end({ complete: true });
    const span: ReadableSpan = only(spans.getFinishedSpans());
    expect(traceparent).toBe(`00-${TRACE}-${span.spanContext().spanId}-01`);
    expect(tracestate).toBe(`clowder=${span.spanContext().spanId},rojo=1,congo=2`);
  });

  test('keeps the tracestate of a request that cannot be an event', () => {
    const { telemetry } = setUp({ trusts: () => true });
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'rojo=1' };
    const request = telemetry.start(head(headers), endingWith({}, { mayBeEvent: false }));
    expect(request.forwardHeaders().tracestate).toBe('rojo=1');
  });

  test('says that the trace is not sampled, and is still marked', () => {
    const { telemetry } = setUp({ sampled: false });
    const { traceparent, tracestate } = telemetry.start(head(), endingWith()).forwardHeaders();
    expect(traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
    expect(tracestate).toBe(`clowder=${traceparent?.slice(36, 52)}`);
  });

  test('is unchanged if there is no SDK', () => {
    const { telemetry } = setUp({ tracer: trace.getTracer('nobody registered a provider') });
    const request = telemetry.start(head(), endingWith());
    expect([request.traceId, request.requestId]).toEqual(['', '']);
    expect(request.forwardHeaders()).toEqual({ traceparent: undefined, tracestate: undefined });
  });
});

describe('a domain event', () => {
  test('is a log record in the context of the span, at the time when the request began', () => {
    const { telemetry, spans, logs } = setUp();
    const before = Date.now();
    const request = telemetry.start(head(), endingWith({ events: [uploaded] }));
    const after = Date.now();
    request.end({ complete: true });
    const record = only(logs.getFinishedLogRecords());
    expect(record.eventName).toBe('clowder.file.uploaded');
    expect(record.attributes).toEqual(uploaded.attributes);
    expect(record.spanContext?.spanId).toBe(only(spans.getFinishedSpans()).spanContext().spanId);
    const ms = record.hrTime[0] * 1000 + record.hrTime[1] / 1e6;
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(after);
  });

  test('does not depend on sampling', () => {
    const { telemetry, spans, logs } = setUp({ sampled: false });
    const request = telemetry.start(head(), endingWith({ events: [uploaded] }));
    request.end({ complete: true });
    expect(spans.getFinishedSpans()).toEqual([]);
    expect(only(logs.getFinishedLogRecords()).spanContext?.traceId).toBe(request.traceId);
    expect(request.traceId).toMatch(/^[\da-f]{32}$/);
  });

  test('that weaker observers would assume is refuted in one record', () => {
    const { telemetry, logs } = setUp();
    telemetry.start(head(), endingWith({ refuted: ['id1', 'id2'] })).end({ complete: true });
    const record = only(logs.getFinishedLogRecords());
    expect(record.eventName).toBe('clowder.capture.refuted');
    expect(record.attributes).toEqual({
      'clowder.refuted.ids': 'id1,id2',
      'clowder.captured': true,
    });
  });

  test('gets the ids, and whether the client stayed, at the end of the request', () => {
    const { telemetry } = setUp({ trusts: () => true });
    const ends: [boolean, string, string][] = [];
    const observed: Capture = {
      ...endingWith(),
      end: (complete, traceId, requestId) => {
        ends.push([complete, traceId, requestId]);
        return { attributes: {}, events: [], refuted: [], errors: [] };
      },
    };
    const request = telemetry.start(head({ traceparent: `00-${TRACE}-${PARENT}-01` }), observed);
    request.end({ complete: false });
    expect(ends).toEqual([[false, TRACE, request.requestId]]);
  });
});

test('bodies that could not be read are counted by error code', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 });
  const meters = new MeterProvider({ readers: [reader] });
  const { telemetry } = setUp({ meter: meters.getMeter('test') });
  for (const errors of [['malformed_json'], ['malformed_json', 'body_too_large']] as const) {
    telemetry.start(head(), endingWith({ errors })).end({ complete: true });
  }
  await reader.forceFlush();
  const metric = only(only(only(exporter.getMetrics()).scopeMetrics).metrics);
  expect(metric.descriptor.name).toBe('clowder.capture.errors');
  expect(metric.dataPoints.map(({ attributes, value }) => [attributes['error.type'], value])).toEqual([
    ['malformed_json', 2],
    ['body_too_large', 1],
  ]);
  await meters.shutdown();
});

describe('a server span started by another instrumentation', () => {
  test('gets our attributes, mark and route, and is not ended', () => {
    const { telemetry, tracers, spans, logs } = setUp();
    const span = tracers.getTracer('http').startSpan('POST', { kind: SpanKind.SERVER });
    const context = setRPCMetadata(trace.setSpan(ROOT_CONTEXT, span), { type: RPCType.HTTP, span, route: '/*' });
    const request = telemetry.adopt(span, context, endingWith({ events: [uploaded] }));
    request.end({ complete: true });
    expect(spans.getFinishedSpans()).toEqual([]);
    expect(getRPCMetadata(context)).toMatchObject({ route: '/api/files' });
    span.end();
    const ended = only(spans.getFinishedSpans());
    expect(ended.name).toBe('POST /api/files');
    expect(ended.attributes).toMatchObject({ 'clowder.route': '/api/files', 'clowder.captured': true });
    expect(only(logs.getFinishedLogRecords()).spanContext?.spanId).toBe(ended.spanContext().spanId);
  });

  test("links to an untrusted caller's context if that is in another trace", () => {
    const { telemetry, tracers, spans } = setUp();
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
    const span = tracers.getTracer('http').startSpan('POST', { kind: SpanKind.SERVER });
    telemetry.adopt(span, trace.setSpan(ROOT_CONTEXT, span), endingWith({}, { head: head(headers) }));
    span.end();
    expect(only(only(spans.getFinishedSpans()).links).context).toMatchObject({ traceId: TRACE, spanId: PARENT });
  });

  test('passes the mark on to its child spans', () => {
    const { telemetry, tracers } = setUp();
    const span = tracers.getTracer('http').startSpan('POST', { kind: SpanKind.SERVER });
    const context = trace.setSpan(ROOT_CONTEXT, span);
    telemetry.adopt(span, context, endingWith());
    const child = tracers.getTracer('http').startSpan('POST', { kind: SpanKind.CLIENT }, context);
    expect(child.spanContext().traceState?.serialize()).toBe(`clowder=${span.spanContext().spanId}`);
  });
});
