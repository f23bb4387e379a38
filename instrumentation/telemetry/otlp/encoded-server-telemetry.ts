import { ROOT_CONTEXT, TraceFlags, trace, type Context, type SpanContext } from '@opentelemetry/api';
import { TraceState, parseTraceParent } from '@opentelemetry/core';
import { randomFillSync } from 'node:crypto';
import type { Capture, CapturedAttributes, RequestHead } from '../../capture/types.ts';
import { strangersContext, type TrustsCaller } from '../caller.ts';
import { ReportedRequest, type Reporting } from '../reported-request.ts';
import { headAttributes, spanName } from '../request-report.ts';
import type { RetryingSender } from '../retrying-sender.ts';
import type { ForwardHeaders, ServerTelemetry } from '../server-request.ts';
import { markCaptured } from '../trace-state.ts';
import { encodeLogRecord, type Instant } from './encode.ts';
import { BUCKET_DIGITS, clientBucket } from '../client-bucket.ts';
import type { SpanBatches } from './span-batches.ts';

/** Whether a request is sampled, given the caller's decision; undefined if there is none. */
export type Sample = (caller: boolean | undefined) => boolean;

export interface EncodedServerTelemetryOptions extends Reporting {
  readonly spans: Pick<SpanBatches, 'add'>;
  readonly events: Pick<RetryingSender<Uint8Array>, 'add'>;
  readonly sample: Sample;
  readonly trusts: TrustsCaller;
  /** Adds to spans that are not ours. */
  readonly adopt: ServerTelemetry['adopt'];
}

/**
 * Encodes the server spans and domain events of captured requests as OTLP as soon as they are over, without SDK objects: what
 * `createServerTelemetry` does, at a fraction of the cost (docs/adr/011).
 */
export function createEncodedServerTelemetry(options: EncodedServerTelemetryOptions): ServerTelemetry {
  return {
    start: (head, capture, startMs) => new EncodedRequest(options, head, capture, startMs ?? Date.now()),
    adopt: options.adopt,
  };
}

class EncodedRequest extends ReportedRequest {
  readonly traceId: string;
  readonly #options: EncodedServerTelemetryOptions;
  readonly #startedAt = performance.now();
  readonly #spanId = newId(8);
  readonly #parentSpanId: string;
  readonly #link: SpanContext | undefined;
  readonly #sampled: boolean;
  readonly #traceState: string;
  #context: Context | undefined;

  constructor(options: EncodedServerTelemetryOptions, head: RequestHead, capture: Capture, startMs: number) {
    super(options, capture, startMs);
    this.#options = options;
    const { traceparent, tracestate } = head.headers;
    const trusted = options.trusts(head);
    const caller = trusted && typeof traceparent === 'string' ? parseTraceParent(traceparent) : null;
    this.#link = strangersContext(head.headers, trusted);
    this.traceId =
      caller?.traceId ??
      newTraceId(this.#spanId, traceparent === undefined, String(capture.attributes['client.address'] ?? ''));
    this.#parentSpanId = caller?.spanId ?? '';
    this.#sampled = options.sample(caller === null ? undefined : (caller.traceFlags & TraceFlags.SAMPLED) === 1);
    const others = caller === null || tracestate === undefined ? '' : String(tracestate);
    if (capture.mayBeEvent) this.#traceState = markCaptured(others, this.#spanId);
    else this.#traceState = others === '' ? '' : new TraceState(others).serialize();
  }

  get requestId(): string {
    return this.#spanId;
  }

  get context(): Context {
    this.#context ??= trace.setSpanContext(ROOT_CONTEXT, {
      traceId: this.traceId,
      spanId: this.#spanId,
      traceFlags: this.#sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
      ...(this.#traceState !== '' && { traceState: new TraceState(this.#traceState) }),
    });
    return this.#context;
  }

  forwardHeaders(): ForwardHeaders {
    return {
      traceparent: `00-${this.traceId}-${this.#spanId}-${this.#sampled ? '01' : '00'}`,
      tracestate: this.#traceState === '' ? undefined : this.#traceState,
    };
  }

  protected override recordSpan(attributes: CapturedAttributes, failed: boolean): void {
    if (!this.#sampled) return;
    this.#options.spans.add({
      traceId: this.traceId,
      spanId: this.#spanId,
      parentSpanId: this.#parentSpanId,
      traceState: this.#traceState,
      link: this.#link,
      name: spanName(this.capture),
      start: { ms: this.startMs, ns: 0 },
      end: later(this.startMs, performance.now() - this.#startedAt),
      attributes: Object.assign(headAttributes(this.capture, true), attributes),
      failed,
    });
  }

  protected override emit(eventName: string, attributes: CapturedAttributes): void {
    const record = encodeLogRecord({
      eventName,
      attributes,
      traceId: this.traceId,
      spanId: this.#spanId,
      sampled: this.#sampled,
      timeMs: this.startMs,
      observedMs: Date.now(),
    });
    this.#options.events.add(record);
  }
}

function later(startMs: number, durationMs: number): Instant {
  const whole = Math.floor(durationMs);
  return { ms: startMs + whole, ns: Math.floor((durationMs - whole) * 1e6) };
}

/**
 * A trace id for a trace that begins with the request. If no one in front has another trace, it ends in the request's id: a
 * server that forwards `traceparent` but not `tracestate` still identifies the request.
 *
 * @param client address; '' for none
 */
function newTraceId(spanId: string, isFirst: boolean, client: string): string {
  return clientBucket(client) + (isFirst ? newId(8).slice(BUCKET_DIGITS) + spanId : newId(16).slice(BUCKET_DIGITS));
}

const POOL = Buffer.allocUnsafeSlow(8192);
let used = POOL.length;

/** Random bytes as hex; never all zero (W3C Trace Context, 2.2). */
function newId(bytes: 8 | 16): string {
  if (used + bytes > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  const id = POOL.toString('hex', used, used + bytes);
  used += bytes;
  return /[^0]/.test(id) ? id : newId(bytes);
}
