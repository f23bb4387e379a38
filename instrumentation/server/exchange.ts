import { context } from '@opentelemetry/api';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Capture, RequestHead } from '../capture/types.ts';
import type { ServerRequest, ServerTelemetry } from '../telemetry/server-request.ts';
import { headerOf, withCapturedMark } from './response-headers.ts';
import { serverSpanOf } from './server-span.ts';

/** Registered: two copies of this package in one process must not observe a request twice. */
const EXCHANGE: unique symbol = Symbol.for('clowder-otel.exchange');

interface Observable {
  [EXCHANGE]?: Exchange;
}

interface Observed {
  [EXCHANGE]: Exchange;
}

/** What is observing a request already; undefined where nothing is. */
export function exchangeOf(request: IncomingMessage & Observable): Exchange | undefined {
  return request[EXCHANGE];
}

/**
 * Feeds a capture with what passes through a request and a response of node:http, and reports it when they are over.
 * It looks on: the bytes, their order and timing, flow control and errors stay the program's own.
 */
export class Exchange {
  readonly #telemetry: ServerTelemetry;
  readonly #head: RequestHead;
  readonly #startMs = Date.now();
  readonly #capture: Capture;
  readonly #onError: (error: unknown) => void;
  /** What the request and the response would have called without us. */
  readonly original: Originals;
  /** Whether the answer has a body: not to HEAD, nor with 204 or 304. */
  #hasBody: boolean;
  /** Length of the answer by its head; 0 where it says none. */
  #declaredBytes = 0;
  #sentBytes = 0;
  /** The capture threw: it is told nothing more. */
  #broken = false;
  #request: ServerRequest | undefined;
  #ended = false;

  constructor(
    telemetry: ServerTelemetry,
    head: RequestHead,
    capture: Capture,
    request: IncomingMessage & Observable,
    response: ServerResponse & Observable,
    onError: (error: unknown) => void,
  ) {
    this.#telemetry = telemetry;
    this.#head = head;
    this.#capture = capture;
    this.#onError = onError;
    this.#hasBody = head.method !== 'HEAD';
    /* oxlint-disable typescript/unbound-method -- called with the stream they were taken from */
    this.original = {
      push: request.push,
      writeHead: response.writeHead,
      write: response.write,
      end: response.end,
    };
    /* oxlint-enable typescript/unbound-method */
    request[EXCHANGE] = this;
    response[EXCHANGE] = this;
    request.push = push;
    response.writeHead = writeHead;
    response.write = write;
    response.end = end;
    // Before the listeners of other instrumentations: they end their span. Not 'error': a write after the end is one,
    // and the client has got all the same.
    response.prependListener('close', onClose);
  }

  get attached(): boolean {
    return this.#request !== undefined;
  }

  /** Id of the request, by which request and answer are marked as captured; undefined where they are not. */
  get mark(): string | undefined {
    return this.#capture.mayBeEvent ? this.#request?.requestId || undefined : undefined;
  }

  /**
   * Finds the server span of the request in the active context, or starts one.
   *
   * @param late whether the request is over already
   * @returns whether it was there
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

  /** Runs what handles the request in the context of its span. */
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

  /** The chunk that `write` or `end` was given, which may be none: bytes, or text with its encoding. */
  responseChunk(chunk: unknown, encoding: unknown): void {
    const bytes = this.#hasBody ? bytesOf(chunk, encoding) : undefined;
    if (bytes === undefined) return;
    this.#sentBytes += bytes.length;
    this.#guard(() => this.#capture.responseChunk(bytes));
  }

  /** @param finished whether the answer has left, as far as the program gave it */
  end(finished: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    // A request that was answered without ever being emitted as 'request'.
    if (this.#request === undefined) this.attach(true);
    this.#request?.end({ complete: finished && this.#sentBytes >= this.#declaredBytes });
  }

  /** Nothing of ours may come between the program and its request. */
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

/** Methods of the two streams, taken from the instance: another observer may have put its own there. */
interface Originals {
  readonly push: (...args: never) => unknown;
  readonly writeHead: (...args: never) => unknown;
  readonly write: (...args: never) => unknown;
  readonly end: (...args: never) => unknown;
}

function push(this: IncomingMessage & Observed, ...args: unknown[]): boolean {
  const exchange = this[EXCHANGE];
  exchange.requestChunk(args[0]);
  return Reflect.apply(exchange.original.push, this, args) as boolean;
}

function writeHead(this: ServerResponse & Observed, ...args: unknown[]): ServerResponse {
  const exchange = this[EXCHANGE];
  const first = !this.headersSent;
  // Answered before anybody was handed the request.
  if (first && !exchange.attached) exchange.attach(true);
  const { mark } = exchange;
  const sent = first && mark !== undefined ? withCapturedMark(this, args, mark) : args;
  const result = Reflect.apply(exchange.original.writeHead, this, sent) as ServerResponse;
  if (first) exchange.responseHead(this.statusCode, (name) => headerOf(this, sent, name));
  return result;
}

function write(this: ServerResponse & Observed, ...args: unknown[]): boolean {
  const exchange = this[EXCHANGE];
  const open = !this.writableEnded;
  const result = Reflect.apply(exchange.original.write, this, args) as boolean;
  if (open) exchange.responseChunk(args[0], args[1]);
  return result;
}

function end(this: ServerResponse & Observed, ...args: unknown[]): ServerResponse {
  const exchange = this[EXCHANGE];
  const open = !this.writableEnded;
  const result = Reflect.apply(exchange.original.end, this, args) as ServerResponse;
  if (open) exchange.responseChunk(args[0], args[1]);
  return result;
}

function bytesOf(chunk: unknown, encoding: unknown): Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk !== 'string' || chunk === '') return undefined;
  return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
}

function onClose(this: ServerResponse & Observed): void {
  this[EXCHANGE].end(this.writableFinished);
}
