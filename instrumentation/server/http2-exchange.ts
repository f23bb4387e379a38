import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { RequestHead } from '../capture/types.ts';
import { EXCHANGE, Exchange, type ExchangeParts, type Observable, type Observed } from './exchange.ts';
import { CAPTURED_HEADER, headerIn, headersWithMark } from './response-headers.ts';

interface Originals {
  readonly push: (...args: never) => unknown;
  readonly respond: (...args: never) => unknown;
  readonly respondWithFD: (...args: never) => unknown;
  readonly respondWithFile: (...args: never) => unknown;
  readonly write: (...args: never) => unknown;
  readonly end: (...args: never) => unknown;
}

/** An HTTP/2 exchange. Overrides methods of its one stream, which the compatibility API (`request`, `response`) also uses. */
export class Http2Exchange extends Exchange {
  readonly original: Originals;
  /** Whether Node reads and sends the answer from a file: its head is then known only at the end. */
  answeredByFile = false;

  constructor(parts: ExchangeParts, stream: ServerHttp2Stream & Observable<Http2Exchange>) {
    super(parts);
    /* oxlint-disable typescript/unbound-method -- called with the stream they were taken from */
    this.original = {
      push: stream.push,
      respond: stream.respond,
      respondWithFD: stream.respondWithFD,
      respondWithFile: stream.respondWithFile,
      write: stream.write,
      end: stream.end,
    };
    /* oxlint-enable typescript/unbound-method */
    stream[EXCHANGE] = this;
    stream.push = push;
    stream.respond = respond;
    stream.respondWithFD = respondWithFD;
    stream.respondWithFile = respondWithFile;
    stream.write = write;
    stream.end = end;
    stream.prependListener('close', onClose);
  }
}

type Stream = ServerHttp2Stream & Observed<Http2Exchange>;

/** Recognises a stream of node:http2 by its shape, so node:http2 need not be loaded. */
export function isHttp2Stream(stream: unknown): stream is ServerHttp2Stream {
  return typeof stream === 'object' && stream !== null && 'respond' in stream && 'pushStream' in stream;
}

/** The head of a request in node:http's form; undefined for a tunnel or a gRPC call, which other instrumentations observe. */
export function http2Head(stream: ServerHttp2Stream, headers: unknown): RequestHead | undefined {
  if (!isHeaders(headers)) return undefined;
  const { ':method': method, ':path': target, ':authority': authority, ':scheme': _scheme, ...rest } = headers;
  if (typeof method !== 'string' || method === 'CONNECT' || isGrpc(rest)) return undefined;
  const { session } = stream;
  return {
    method,
    target: typeof target === 'string' ? target : '/',
    headers: typeof authority === 'string' ? { ...rest, host: authority } : rest,
    httpVersion: '2.0',
    remoteAddress: session?.socket.remoteAddress,
    scheme: session?.encrypted === true ? 'https' : 'http',
  };
}

const isHeaders = (value: unknown): value is IncomingHttpHeaders => typeof value === 'object' && value !== null;
const isGrpc = (headers: IncomingHttpHeaders): boolean =>
  /^application\/grpc(?:$|[+;\s])/i.test(headers['content-type'] ?? '');

function push(this: Stream, ...args: unknown[]): boolean {
  const exchange = this[EXCHANGE];
  exchange.requestChunk(args[0]);
  return Reflect.apply(exchange.original.push, this, args) as boolean;
}

function respond(this: Stream, ...args: unknown[]): void {
  const exchange = this[EXCHANGE];
  const sent = withMark(this, args, 0);
  const first = !this.headersSent;
  Reflect.apply(exchange.original.respond, this, sent);
  exchange.answeredByFile = false;
  if (first) exchange.responseHead(statusIn(sent[0]), (name) => headerIn(sent[0], name));
}

function respondWithFD(this: Stream, ...args: unknown[]): void {
  const exchange = this[EXCHANGE];
  Reflect.apply(exchange.original.respondWithFD, this, withMark(this, args, 1));
  exchange.answeredByFile = true;
}

function respondWithFile(this: Stream, ...args: unknown[]): void {
  const exchange = this[EXCHANGE];
  Reflect.apply(exchange.original.respondWithFile, this, withMark(this, args, 1));
  exchange.answeredByFile = true;
}

/** The arguments with our mark added to the headers, which are at index `at`. */
function withMark(stream: Stream, args: readonly unknown[], at: number): unknown[] {
  const { mark } = stream[EXCHANGE];
  const given = args[at];
  const isForm = given === undefined || given === null || typeof given === 'object';
  if (mark === undefined || stream.headersSent || !isForm) return [...args];
  const headers = given ?? {};
  if (headerIn(headers, CAPTURED_HEADER.toLowerCase()) !== undefined) return [...args];
  const marked = [...args];
  marked[at] = headersWithMark(headers, mark);
  return marked;
}

function write(this: Stream, ...args: unknown[]): boolean {
  const exchange = this[EXCHANGE];
  const open = !this.writableEnded;
  const result = Reflect.apply(exchange.original.write, this, args) as boolean;
  if (open) exchange.responseChunk(args[0], args[1]);
  return result;
}

function end(this: Stream, ...args: unknown[]): Stream {
  const exchange = this[EXCHANGE];
  const open = !this.writableEnded;
  const result = Reflect.apply(exchange.original.end, this, args) as Stream;
  if (open) exchange.responseChunk(args[0], args[1]);
  return result;
}

/** `writableFinished` alone is not enough: it is also true for a stream that was reset. */
function onClose(this: Stream): void {
  const exchange = this[EXCHANGE];
  const finished = this.writableFinished && !this.aborted;
  if (exchange.answeredByFile) tellOfFile(this, exchange, finished);
  exchange.end(finished);
}

function tellOfFile(stream: Stream, exchange: Http2Exchange, finished: boolean): void {
  // Undefined, despite its type, if the file could not be opened: then nothing was sent, or `respond` answered.
  const headers: OutgoingHttpHeaders | undefined = stream.sentHeaders;
  if (headers === undefined) return;
  exchange.responseHead(statusIn(headers), (name) => headerIn(headers, name));
  const length = Number(headers['content-length']);
  exchange.responseUnseen(finished && Number.isInteger(length) ? length : undefined);
}

function statusIn(headers: unknown): number {
  const status = Number(headerIn(headers, ':status'));
  return Number.isInteger(status) && status > 0 ? status : 200;
}
