import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  defaultTextMapGetter,
  trace,
  type Context,
  type Counter,
  type Logger,
  type Meter,
  type Span,
  type SpanOptions,
  type TextMapPropagator,
  type Tracer,
} from '@opentelemetry/api';
import { TraceState, W3CTraceContextPropagator, getRPCMetadata } from '@opentelemetry/core';
import type { Capture, CapturedAttributes } from '../capture/types.ts';
import type { Enricher } from '../enrichment/types.ts';
import { strangersContext, trustsNobody, type TrustsCaller } from './caller.ts';
import { ReportedRequest, type Reporting } from './reported-request.ts';
import { headAttributes, spanName } from './request-report.ts';
import type { ForwardHeaders, ServerTelemetry } from './server-request.ts';
import { markCaptured } from './trace-state.ts';

export interface ServerTelemetryOptions {
  readonly tracer: Tracer;
  /** Receives domain events; must not depend on sampling. */
  readonly logger: Logger;
  readonly meter: Meter;
  /** Called with errors of the telemetry itself; they are never thrown into the request. */
  readonly onError?: (error: unknown) => void;
  /** Adds to events before they are sent. @default nothing is added */
  readonly enricher?: Enricher | undefined;
  /** Reads the caller's trace context. @default W3C Trace Context */
  readonly propagator?: TextMapPropagator;
  /** Whose traces are continued. @default nobody's */
  readonly trusts?: TrustsCaller;
}

/** What every request recorded by the SDK needs. */
interface Shared extends Reporting {
  readonly logger: Logger;
}

const W3C = new W3CTraceContextPropagator();

/** Counts failed captures, by `error.type`. */
export function captureErrors(meter: Meter): Counter {
  return meter.createCounter('clowder.capture.errors', {
    description: 'Looks at requests and responses that failed; the requests themselves passed',
    unit: '{error}',
  });
}

/** Records server spans and domain events of captured requests through the given OTel API objects. */
export function createServerTelemetry(options: ServerTelemetryOptions): ServerTelemetry {
  const { tracer, propagator = W3C, trusts = trustsNobody } = options;
  const shared: Shared = {
    logger: options.logger,
    errors: captureErrors(options.meter),
    onError: options.onError ?? (() => undefined),
    enricher: options.enricher,
  };
  return {
    start(head, capture, startMs) {
      const trusted = trusts(head);
      const parent = trusted ? propagator.extract(ROOT_CONTEXT, head.headers, defaultTextMapGetter) : ROOT_CONTEXT;
      const link = strangersContext(head.headers, trusted);
      const spanOptions: SpanOptions = { kind: SpanKind.SERVER, attributes: headAttributes(capture, true) };
      if (link !== undefined) spanOptions.links = [{ context: link }];
      if (startMs !== undefined) spanOptions.startTime = startMs;
      const span = tracer.startSpan(spanName(capture), spanOptions, parent);
      return new CapturedRequest(shared, capture, span, trace.setSpan(parent, span), true, startMs ?? Date.now());
    },
    adopt(span, context, capture, startMs) {
      if (capture.route !== undefined) span.updateName(spanName(capture));
      span.setAttributes(headAttributes(capture, false));
      const link = strangersContext(capture.head.headers, trusts(capture.head));
      if (link !== undefined && link.traceId !== span.spanContext().traceId) span.addLink({ context: link });
      return new CapturedRequest(shared, capture, span, context, false, startMs ?? Date.now());
    },
  };
}

class CapturedRequest extends ReportedRequest {
  readonly context: Context;
  readonly traceId: string;
  readonly requestId: string;
  readonly #logger: Logger;
  readonly #span: Span;
  readonly #ownsSpan: boolean;

  constructor(shared: Shared, capture: Capture, span: Span, context: Context, ownsSpan: boolean, startMs: number) {
    super(shared, capture, startMs);
    this.context = context;
    this.#logger = shared.logger;
    this.#span = span;
    this.#ownsSpan = ownsSpan;
    const spanContext = span.spanContext();
    const valid = trace.isSpanContextValid(spanContext);
    this.traceId = valid ? spanContext.traceId : '';
    this.requestId = valid ? spanContext.spanId : '';
    // Code that injects this context later (http instrumentation, fetch) then passes the mark on.
    if (valid && capture.mayBeEvent)
      spanContext.traceState = new TraceState(markCaptured(spanContext.traceState?.serialize() ?? '', this.requestId));
  }

  forwardHeaders(): ForwardHeaders {
    if (this.traceId === '') return NO_HEADERS;
    const { traceId, spanId, traceFlags, traceState } = this.#span.spanContext();
    return {
      traceparent: `00-${traceId}-${spanId}-${(traceFlags & 1) === 1 ? '01' : '00'}`,
      tracestate: traceState?.serialize(),
    };
  }

  protected override recordSpan(attributes: CapturedAttributes, failed: boolean): void {
    if (!this.#ownsSpan) this.#nameRoute();
    if (failed) this.#span.setStatus({ code: SpanStatusCode.ERROR });
    this.#span.setAttributes(attributes);
  }

  protected override endSpan(): void {
    if (this.#ownsSpan) this.#span.end();
  }

  /** The http instrumentation ends the span with the route in this metadata, which may otherwise be a framework's catch-all. */
  #nameRoute(): void {
    const rpc = getRPCMetadata(this.context);
    const { route } = this.capture;
    if (rpc !== undefined && route !== undefined) rpc.route = route;
  }

  protected override emit(eventName: string, attributes: CapturedAttributes): void {
    this.#logger.emit({ eventName, timestamp: this.startMs, context: this.context, attributes });
  }
}

const NO_HEADERS: ForwardHeaders = { traceparent: undefined, tracestate: undefined };
