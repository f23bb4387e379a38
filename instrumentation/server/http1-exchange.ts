import type { IncomingMessage, ServerResponse } from 'node:http';
import { EXCHANGE, Exchange, type ExchangeParts, type Observable, type Observed } from './exchange.ts';
import { headerOf, withCapturedMark } from './response-headers.ts';

/** Methods of the two streams, taken from the instance, as another observer may have replaced them. */
interface Originals {
  readonly push: (...args: never) => unknown;
  readonly writeHead: (...args: never) => unknown;
  readonly write: (...args: never) => unknown;
  readonly end: (...args: never) => unknown;
}

/** An HTTP/1 exchange. Overrides methods of this one node:http request and response. */
export class Http1Exchange extends Exchange {
  /** The methods that were there before ours. */
  readonly original: Originals;

  constructor(
    parts: ExchangeParts,
    request: IncomingMessage & Observable<Http1Exchange>,
    response: ServerResponse & Observable<Http1Exchange>,
  ) {
    super(parts);
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
    // Runs before the listeners of other instrumentations, which end their span. Ignores 'error': a write after the end is one,
    // though the client received everything.
    response.prependListener('close', onClose);
  }
}

type Request = IncomingMessage & Observed<Http1Exchange>;
type Response = ServerResponse & Observed<Http1Exchange>;

function push(this: Request, ...args: unknown[]): boolean {
  const exchange = this[EXCHANGE];
  exchange.requestChunk(args[0]);
  return Reflect.apply(exchange.original.push, this, args) as boolean;
}

function writeHead(this: Response, ...args: unknown[]): ServerResponse {
  const exchange = this[EXCHANGE];
  const first = !this.headersSent;
  // The server answered before the program received the request.
  if (first && !exchange.attached) exchange.attach(true);
  const { mark } = exchange;
  const sent = first && mark !== undefined ? withCapturedMark(this, args, mark) : args;
  const result = Reflect.apply(exchange.original.writeHead, this, sent) as ServerResponse;
  if (first) exchange.responseHead(this.statusCode, (name) => headerOf(this, sent, name));
  return result;
}

function write(this: Response, ...args: unknown[]): boolean {
  const exchange = this[EXCHANGE];
  const open = !this.writableEnded;
  const result = Reflect.apply(exchange.original.write, this, args) as boolean;
  if (open) exchange.responseChunk(args[0], args[1]);
  return result;
}

function end(this: Response, ...args: unknown[]): ServerResponse {
  const exchange = this[EXCHANGE];
  const open = !this.writableEnded;
  const result = Reflect.apply(exchange.original.end, this, args) as ServerResponse;
  if (open) exchange.responseChunk(args[0], args[1]);
  return result;
}

function onClose(this: Response): void {
  this[EXCHANGE].end(this.writableFinished);
}
