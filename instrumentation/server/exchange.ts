import { context } from '@opentelemetry/api';
import { errorMonitor } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Capture, RequestHead } from '../capture/types.ts';
import type { ServerRequest, ServerTelemetry } from '../telemetry/server-telemetry.ts';
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
  /** What the request and the response would have called without us. */
  readonly original: Originals;
  readonly capture: Capture;
  /** Whether the answer has a body: not to HEAD, nor with 204 or 304. */
  hasBody: boolean;
  /** Length of the answer by its head; undefined where it says none. */
  declaredBytes: number | undefined;
  sentBytes = 0;
  #request: ServerRequest | undefined;
  #ended = false;

  constructor(
    telemetry: ServerTelemetry,
    head: RequestHead,
    capture: Capture,
    request: IncomingMessage & Observable,
    response: ServerResponse & Observable,
  ) {
    this.#telemetry = telemetry;
    this.#head = head;
    this.capture = capture;
    this.hasBody = head.method !== 'HEAD';
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
    // Before the listeners of other instrumentations: they end their span.
    response.prependListener('close', onClose);
    response.prependListener(errorMonitor, onError);
  }

  get attached(): boolean {
    return this.#request !== undefined;
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
    this.#request =
      span === undefined
        ? this.#telemetry.start(this.#head, this.capture, late ? this.#startMs : undefined)
        : this.#telemetry.adopt(span, active, this.capture, this.#startMs);
    return span !== undefined;
  }

  /** Runs what handles the request in the context of its span. */
  run<T>(handle: () => T): T {
    return this.#request === undefined ? handle() : context.with(this.#request.context, handle);
  }

  end(complete: boolean, error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    // A request that was answered without ever being emitted as 'request'.
    if (this.#request === undefined) this.attach(true);
    this.#request?.end({ complete, error });
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
  const { capture, original } = this[EXCHANGE];
  const [chunk] = args;
  if (chunk instanceof Uint8Array) capture.requestChunk(chunk);
  return Reflect.apply(original.push, this, args) as boolean;
}

function writeHead(this: ServerResponse & Observed, ...args: unknown[]): ServerResponse {
  const exchange = this[EXCHANGE];
  const { capture, original } = exchange;
  const first = !this.headersSent;
  const sent = first && capture.mayBeEvent ? withCapturedMark(this, args) : args;
  const result = Reflect.apply(original.writeHead, this, sent) as ServerResponse;
  if (first) {
    const { statusCode } = this;
    if (statusCode === 204 || statusCode === 304) exchange.hasBody = false;
    const length = Number(headerOf(this, sent, 'content-length') ?? NaN);
    if (exchange.hasBody && Number.isInteger(length)) exchange.declaredBytes = length;
    capture.responseHead(statusCode, (name) => headerOf(this, sent, name));
  }
  return result;
}

function write(this: ServerResponse & Observed, ...args: unknown[]): boolean {
  const exchange = this[EXCHANGE];
  const open = !this.writableEnded;
  const result = Reflect.apply(exchange.original.write, this, args) as boolean;
  if (open) look(exchange, args);
  return result;
}

function end(this: ServerResponse & Observed, ...args: unknown[]): ServerResponse {
  const exchange = this[EXCHANGE];
  const open = !this.writableEnded;
  const result = Reflect.apply(exchange.original.end, this, args) as ServerResponse;
  if (open) look(exchange, args);
  return result;
}

/** Looks at the chunk among the arguments of `write` or `end`: bytes, or text with its encoding. */
function look(exchange: Exchange, [chunk, encoding]: readonly unknown[]): void {
  const bytes = exchange.hasBody ? bytesOf(chunk, encoding) : undefined;
  if (bytes === undefined) return;
  exchange.sentBytes += bytes.length;
  exchange.capture.responseChunk(bytes);
}

function bytesOf(chunk: unknown, encoding: unknown): Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk !== 'string' || chunk === '') return undefined;
  return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
}

function onClose(this: ServerResponse & Observed): void {
  const { declaredBytes = 0, sentBytes } = this[EXCHANGE];
  this[EXCHANGE].end(this.writableFinished && sentBytes >= declaredBytes);
}

function onError(this: ServerResponse & Observed, error: Error): void {
  this[EXCHANGE].end(false, error);
}
