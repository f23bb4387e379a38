import type { Context, Span } from '@opentelemetry/api';
import type { Capture, RequestHead } from '../capture/types.ts';

/** How an exchange ended. */
export interface Outcome {
  /** Whether the client received the whole answer. */
  readonly complete: boolean;
  /** Why there was no proper answer: connection refused, time-out, … Its `code`, or name, becomes `error.type`. */
  readonly error?: Error | undefined;
}

/** Trace context for a request made because of this one, by header name; undefined: leave the received header. */
export interface ForwardHeaders {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** One server request while it lasts, as the OTel side sees it. */
export interface ServerRequest {
  /** Contains the request's span; the request is handled in it. */
  readonly context: Context;
  /** 32 hex digits; '' if no SDK gave one. */
  readonly traceId: string;
  /** The request's id, which is its span's: 16 hex digits; '' if no SDK gave one. */
  readonly requestId: string;
  /** For the forwarded request: our span as parent and, if it is captured, our mark first in tracestate. */
  forwardHeaders(): ForwardHeaders;
  /** Call once, when the exchange is over. Adds attributes, sends domain events, and ends the span with its status. */
  end(outcome: Outcome): void;
}

export interface ServerTelemetry {
  /**
   * Starts the server span of a request: as a child of the span in a trusted caller's headers, else in its own trace, with a
   * link to the caller's.
   *
   * @param startMs when the request arrived, Unix milliseconds @default now
   */
  start(head: RequestHead, capture: Capture, startMs?: number): ServerRequest;
  /** Adds to the server span that another instrumentation started in the context and will end. */
  adopt(span: Span, context: Context, capture: Capture, startMs?: number): ServerRequest;
}
