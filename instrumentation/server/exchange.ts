import { context } from '@opentelemetry/api';
import type { Capture, RequestHead } from '../capture/types.ts';
import type { ServerRequest, ServerTelemetry } from '../telemetry/server-request.ts';
import { serverSpanOf } from './server-span.ts';

/** A registered symbol: two copies of this package in one process must not observe a request twice. */
export const EXCHANGE: unique symbol = Symbol.for('clowder-otel.exchange');

export interface Observable<E extends Exchange = Exchange> {
  [EXCHANGE]?: E;
}

export interface Observed<E extends Exchange = Exchange> {
  [EXCHANGE]: E;
}

/** The exchange that already observes a request; undefined if there is none. */
export function exchangeOf(request: object): Exchange | undefined {
  const observable: Observable = request;
  return observable[EXCHANGE];
}

/** What every exchange needs, whatever its protocol. */
export interface ExchangeParts {
  readonly telemetry: ServerTelemetry;
  readonly head: RequestHead;
  readonly capture: Capture;
  readonly onError: (error: unknown) => void;
}

/**
 * Feeds a capture with the bytes of a request and its answer, and reports it when both are over. It only observes: the bytes,
 * their order and timing, flow control and errors remain the program's. Subclasses know the streams.
 */
export class Exchange {
  readonly #telemetry: ServerTelemetry;
  readonly #head: RequestHead;
  readonly #startMs = Date.now();
  readonly #capture: Capture;
  readonly #onError: (error: unknown) => void;
  /** Whether the answer has a body: none for HEAD, 204 or 304. */
  #hasBody: boolean;
  /** Length of the answer by its head; 0 if the head gives none. */
  #declaredBytes = 0;
  #sentBytes = 0;
  /** The capture threw, so it receives nothing more. */
  #broken = false;
  #request: ServerRequest | undefined;
  #ended = false;

  constructor({ telemetry, head, capture, onError }: ExchangeParts) {
    this.#telemetry = telemetry;
    this.#head = head;
    this.#capture = capture;
    this.#onError = onError;
    this.#hasBody = head.method !== 'HEAD';
  }

  get attached(): boolean {
    return this.#request !== undefined;
  }

  /** The id that marks request and answer as captured; undefined if they are not captured. */
  get mark(): string | undefined {
    return this.#capture.mayBeEvent ? this.#request?.requestId || undefined : undefined;
  }

  /**
   * Finds the request's server span in the active context, or starts one.
   *
   * @param late whether the request was already answered
   * @returns whether a span was there
   */
  attach(late = false): boolean {
    const active = context.active();
    const span = serverSpanOf(active);
    this.#guard(() => {
      this.#request =
        span === undefined
          ? this.#telemetry.start(this.#head, this.#capture, late ? this.#startMs : undefined)
          : this.#telemetry.adopt(span, active, this.#capture, this.#startMs);
    });
    return span !== undefined;
  }

  /** Runs the program's handler in the context of the span. */
  run<T>(handle: () => T): T {
    return this.#request === undefined ? handle() : context.with(this.#request.context, handle);
  }

  requestChunk(chunk: unknown): void {
    if (chunk instanceof Uint8Array) this.#guard(() => this.#capture.requestChunk(chunk));
  }

  responseHead(status: number, header: (name: string) => string | undefined): void {
    if (status === 204 || status === 304) this.#hasBody = false;
    const length = Number(header('content-length') ?? 0);
    if (this.#hasBody && Number.isInteger(length)) this.#declaredBytes = length;
    this.#guard(() => this.#capture.responseHead(status, header));
  }

  /** @param chunk as given to `write` or `end`: bytes, text with its encoding, or none */
  responseChunk(chunk: unknown, encoding: unknown): void {
    const bytes = this.#hasBody ? bytesOf(chunk, encoding) : undefined;
    if (bytes === undefined) return;
    this.#sentBytes += bytes.length;
    this.#guard(() => this.#capture.responseChunk(bytes));
  }

  /** The answer's bytes passed unseen. @param bytes how many; undefined if unknown */
  responseUnseen(bytes: number | undefined): void {
    this.#sentBytes += bytes ?? 0;
    this.#guard(() => this.#capture.responseUnseen(bytes));
  }

  /** @param finished whether all that the program gave for the answer was sent */
  end(finished: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    // The request was answered before the program received it.
    if (this.#request === undefined) this.attach(true);
    this.#request?.end({ complete: finished && this.#sentBytes >= this.#declaredBytes });
  }

  /** Keeps our errors away from the program and its request. */
  #guard(look: () => void): void {
    if (this.#broken) return;
    try {
      look();
    } catch (error) {
      this.#broken = true;
      this.#onError(error);
    }
  }
}

function bytesOf(chunk: unknown, encoding: unknown): Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk !== 'string' || chunk === '') return undefined;
  return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
}
