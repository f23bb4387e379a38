import { SpanStatusCode, createNoopMeter, trace } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, test, vi } from 'vitest';
import { decodeLogs } from '../../../test/support/otlp-decode.ts';
import { endingWith, requestHead as head } from '../../../test/support/captured-request.ts';
import type { Capture, RequestHead } from '../../capture/types.ts';
import type { Outcome, ServerTelemetry } from '../server-request.ts';
import type { TrustsCaller } from '../caller.ts';
import { createServerTelemetry } from '../server-telemetry.ts';
import { encodeRequest, encodeResource, encodeScope, type EncodableSpan } from './encode.ts';
import { createEncodedServerTelemetry, type Sample } from './encoded-server-telemetry.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const CALLER = { traceparent: `00-${TRACE}-${PARENT}-01` };

interface Recorded {
  readonly telemetry: ServerTelemetry;
  /** The spans that would be sent, as `EncodableSpan`. */
  readonly spans: () => readonly Partial<EncodableSpan>[];
  /** Names, attributes, trace and span of the log records that would be sent. */
  readonly logs: () => readonly object[];
  readonly problems: string[];
}

const TRUSTED = '10.0.0.1';
const trusts: TrustsCaller = ({ remoteAddress }) => remoteAddress === TRUSTED;

function encoded(sample: Sample = (caller) => caller ?? true): Recorded {
  const spans: EncodableSpan[] = [];
  const entries: Uint8Array[] = [];
  const problems: string[] = [];
  return {
    telemetry: createEncodedServerTelemetry({
      spans: { add: (span) => void spans.push(span) },
      events: { add: (entry) => void entries.push(entry) },
      sample,
      trusts,
      errors: createNoopMeter().createCounter('errors'),
      onError: (error) => void problems.push(String(error)),
      adopt: () => expect.unreachable('nobody adopts here'),
    }),
    spans: () => spans,
    logs: () =>
      decodeLogs(encodeRequest(encodeResource({}), encodeScope('x'), entries), {
        request: () => true,
        metric: () => true,
      }).records.map(({ eventName, attributes, traceId, spanId }) => ({ eventName, attributes, traceId, spanId })),
    problems,
  };
}

function bySdk(): Recorded {
  const spans = new InMemorySpanExporter();
  const logs = new InMemoryLogRecordExporter();
  const problems: string[] = [];
  const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] });
  const loggers = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: logs })] });
  return {
    telemetry: createServerTelemetry({
      tracer: tracers.getTracer('test'),
      logger: loggers.getLogger('test'),
      meter: createNoopMeter(),
      trusts,
      onError: (error) => void problems.push(String(error)),
    }),
    spans: () =>
      spans.getFinishedSpans().map((span) => ({
        traceId: span.spanContext().traceId,
        spanId: span.spanContext().spanId,
        parentSpanId: span.parentSpanContext?.spanId ?? '',
        traceState: span.spanContext().traceState?.serialize() ?? '',
        link: span.links[0]?.context,
        name: span.name,
        attributes: span.attributes,
        failed: span.status.code === SpanStatusCode.ERROR,
      })),
    logs: () =>
      logs.getFinishedLogRecords().map(({ eventName, attributes, spanContext }) => ({
        eventName,
        attributes,
        traceId: spanContext?.traceId,
        spanId: spanContext?.spanId,
      })),
    problems,
  };
}

/** The decoder gives 64-bit integers as bigint, which JSON cannot have. */
const withoutBigInt = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value);

const bug = (): never => {
  throw new Error('a bug');
};

/** Makes each case anew for each telemetry, as a capture's attributes are changed. */
const CASES: Readonly<Record<string, () => [RequestHead, Capture, Outcome]>> = {
  'a request that may be an event': () => [head(), endingWith(), { complete: true }],
  'a request with events, one of them refuted': () => [
    head(CALLER),
    endingWith({
      events: [{ type: 'file.uploaded', attributes: { 'clowder.file.id': 'f', 'clowder.bytes': 12 } }],
      refuted: ['a', 'b'],
    }),
    { complete: true },
  ],
  'a caller with a tracestate': () => [
    head({ ...CALLER, tracestate: 'rojo=1, clowder=0123456789abcdef,congo=2' }),
    endingWith(),
    { complete: true },
  ],
  "an untrusted caller's context": () => [
    { ...head({ ...CALLER, tracestate: 'rojo=1' }), remoteAddress: '192.0.2.1' },
    endingWith(),
    { complete: true },
  ],
  "what a trusted caller says of its client's context": () => [
    head({ ...CALLER, 'x-clowder-client-traceparent': `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-00` }),
    endingWith(),
    { complete: true },
  ],
  'a request that cannot be an event': () => [
    head({ ...CALLER, tracestate: 'rojo=1' }),
    endingWith(
      { attributes: {} },
      { mayBeEvent: false, route: undefined, attributes: { 'http.request.method': 'GET' } },
    ),
    { complete: true },
  ],
  'an unknown method': () => [
    head(),
    endingWith({}, { attributes: { 'http.request.method': '_OTHER' } }),
    { complete: true },
  ],
  'a caller with an invalid context': () => [
    head({ traceparent: '00-zz-1-1', tracestate: 'rojo=1' }),
    endingWith(),
    { complete: true },
  ],
  'a status of 5xx': () => [
    head(),
    endingWith({ attributes: { 'http.response.status_code': 503 } }),
    { complete: true },
  ],
  'an error': () => [
    head(),
    endingWith({ attributes: { 'http.response.status_code': 502 } }),
    { complete: false, error: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) },
  ],
};

describe('our encoding records what the SDK would record:', () => {
  test.each(Object.keys(CASES))('%s', (name) => {
    const [ours, theirs] = [encoded(), bySdk()].map(({ telemetry, spans, logs }) => {
      const [requestHead, requestCapture, outcome] = CASES[name]?.() ?? [head(), endingWith(), { complete: true }];
      const request = telemetry.start(requestHead, requestCapture);
      const { traceparent = '', tracestate } = request.forwardHeaders();
      const context = trace.getSpanContext(request.context);
      request.end(outcome);
      const spanId = spans()[0]?.spanId ?? '';
      const anonymous = (value: unknown): unknown =>
        JSON.parse(
          JSON.stringify(value, withoutBigInt).replaceAll(request.traceId, 'TRACE').replaceAll(spanId, 'SPAN'),
        );
      const recorded = spans().map(({ start: _start, end: _end, ...rest }) => rest);
      return {
        spans: anonymous(recorded),
        logs: anonymous(logs()),
        traceparent: anonymous(traceparent),
        tracestate: anonymous(tracestate ?? null),
        context: anonymous([context?.traceId, context?.spanId, context?.traceFlags, context?.traceState?.serialize()]),
      };
    });
    expect(ours).toEqual(theirs);
    expect(ours?.spans).toHaveLength(1);
    expect(ours?.traceparent).toBe('00-TRACE-SPAN-01');
  });
});

describe('an encoded request', () => {
  test('continues the trace of a trusted caller, and has an id of its own', () => {
    const { telemetry, spans } = encoded();
    const request = telemetry.start(head(CALLER), endingWith());
    request.end({ complete: true });
    expect(request.traceId).toBe(TRACE);
    expect(spans()[0]?.parentSpanId).toBe(PARENT);
    expect(request.requestId).toBe(spans()[0]?.spanId);
  });

  test('that begins its trace ends the trace id with its own id, for a backend that does not pass on tracestate', () => {
    const { telemetry } = encoded();
    const request = telemetry.start(head(), endingWith());
    expect(request.traceId.slice(16)).toBe(request.requestId);
    // An untrusted caller's trace is not continued, so nothing ties it to the request's id.
    const stranger = telemetry.start({ ...head(CALLER), remoteAddress: '192.0.2.1' }, endingWith());
    expect(stranger.traceId).not.toContain(stranger.requestId);
  });

  test('that is not sampled has events and no span', () => {
    const { telemetry, spans, logs } = encoded();
    const events = [{ type: 'file.uploaded', attributes: { 'clowder.file.id': 'f' } }] as const;
    const request = telemetry.start(head({ traceparent: `00-${TRACE}-${PARENT}-00` }), endingWith({ events }));
    expect(request.forwardHeaders()).toMatchObject({
      tracestate: `clowder=${request.requestId}`,
      traceparent: expect.stringMatching(/-00$/) as unknown,
    });
    request.end({ complete: true });
    expect(spans()).toEqual([]);
    expect(logs()).toMatchObject([{ eventName: 'clowder.file.uploaded', traceId: TRACE }]);
  });

  test('begins when it came and lasts as long as it lasted', () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValueOnce(1000).mockReturnValue(1023.5);
    try {
      const { telemetry, spans } = encoded();
      telemetry.start(head(), endingWith(), 1_700_000_000_123).end({ complete: true });
      expect(spans()).toMatchObject([
        { start: { ms: 1_700_000_000_123, ns: 0 }, end: { ms: 1_700_000_000_146, ns: 500_000 } },
      ]);
    } finally {
      clock.mockRestore();
    }
  });

  test('ends once, and a capture that throws is reported to the operator', () => {
    const { telemetry, spans, problems } = encoded();
    const request = telemetry.start(head(), { ...endingWith(), end: bug });
    request.end({ complete: true });
    request.end({ complete: true });
    expect(problems).toEqual(['Error: a bug']);
    expect(spans()).toEqual([]);
  });

  test('has unique ids', () => {
    const { telemetry } = encoded();
    const all = Array.from(
      { length: 5000 },
      () => telemetry.start(head(), endingWith()).forwardHeaders().traceparent ?? '',
    );
    expect(new Set(all.map((one) => one.slice(3, 35))).size).toBe(5000);
    expect(new Set(all.map((one) => one.slice(36, 52))).size).toBe(5000);
    for (const one of all) expect(one).toMatch(/^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-01$/);
  });
});
