import type { Context, Span } from '@opentelemetry/api';
import type { Capture, RequestHead } from '../capture/types.ts';

/** How an exchange ended. */
export interface Outcome {
  /** Whether the client got all of the answer. */
  readonly complete: boolean;
  /** Why there was no proper answer: connection refused, time-out, … Its `code`, or name, becomes `error.type`. */
  readonly error?: Error | undefined;
}

/** Trace context for a request that is made because of this one, by header name; undefined: leave what came. */
export interface ForwardHeaders {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** One request of a server while it lasts, as the OTel side sees it. */
export interface ServerRequest {
  /** With the request's span: what is done for the request runs in it. */
  readonly context: Context;
  /** 32 hex digits; '' where no SDK gave one. */
  readonly traceId: string;
  /** 16 hex digits, the id of its span: each request has one of its own; '' where no SDK gave one. */
  readonly requestId: string;
  /** For the request that is forwarded: our span as parent and, if it is captured, our mark first in tracestate. */
  forwardHeaders(): ForwardHeaders;
  /** Once, when the exchange is over: attributes, domain events, status and end of the span. */
  end(outcome: Outcome): void;
}

export interface ServerTelemetry {
  /**
   * Starts the server span of a request: as a child of what the caller's headers say where the caller is trusted, else
   * in a trace of its own that links to it.
   *
   * @param startMs when the request came, Unix milliseconds @default now
   */
  start(head: RequestHead, capture: Capture, startMs?: number): ServerRequest;
  /** Adds to the server span that another instrumentation started in the context, and will end. */
  adopt(span: Span, context: Context, capture: Capture, startMs?: number): ServerRequest;
}
