import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { EventEmitter } from 'node:events';
import { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { Server as NetServer } from 'node:net';
import type { RequestHead } from '../capture/types.ts';
import { exchangeOf, type Exchange, type ExchangeParts } from './exchange.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { Http2Exchange, http2Head, isHttp2Stream } from './http2-exchange.ts';
import { requestHead } from './request-head.ts';

/** A request that a server is about to hand to the program. */
export interface Arrival {
  /** Undefined if it is not to be observed. */
  head(): RequestHead | undefined;
  observe(parts: ExchangeParts): Exchange;
}

/** Starts to observe a request; undefined if it is not to be observed. It does not throw. */
export type Observe = (arrival: Arrival) => Exchange | undefined;

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;

/** Events by which a server hands a request of HTTP/1 to the program. */
const REQUEST_EVENTS: ReadonlySet<string | symbol> = new Set(['request', 'checkContinue', 'checkExpectation']);

const observers = new Set<Observe>();
let patched = false;

/**
 * Has every node:http, node:https and node:http2 server of this process, also those that are there already, show its
 * requests.
 *
 * @returns what ends it
 */
export function observeServers(observe: Observe): () => void {
  observers.add(observe);
  if (!patched) {
    patched = true;
    patchEmit(HttpServer.prototype);
    patchEmit(HttpsServer.prototype);
    // What the servers of node:http2 stand on, so that nobody has to load that; last, as the others do, too.
    patchEmit(NetServer.prototype);
  }
  return () => void observers.delete(observe);
}

/**
 * Not by InstrumentationBase's `_wrap`: it takes off what another instrumentation has wrapped. So the wrapper is a plain
 * function that stays, and instrumentations may come above it or lie beneath it.
 */
function patchEmit(prototype: EventEmitter): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with the server it is emitted on
  const original = prototype.emit as Emit;
  // An instrumentation beneath starts the server span only when it is called: look then, when its listeners run.
  let beneath = original !== EventEmitter.prototype.emit;

  prototype.emit = function emit(this: EventEmitter, event: string | symbol, ...args: unknown[]): boolean {
    const proceed = (): boolean => Reflect.apply(original, this, [event, ...args]);
    if (observers.size === 0) return proceed();
    if (event === 'stream') return emitStream(proceed, args);
    if (!REQUEST_EVENTS.has(event)) return proceed();
    const [request, response] = args;
    // The compatibility API of node:http2 emits requests as well, within 'stream'.
    if (!(request instanceof IncomingMessage) || !(response instanceof ServerResponse)) return proceed();
    const exchange = exchangeOf(request) ?? startExchange(http1Arrival(request, response));
    // Proxy libraries emit a request again; 'checkContinue' often leads to 'request'.
    if (exchange === undefined || exchange.attached || event !== 'request') return proceed();
    if (!beneath) {
      exchange.attach();
      return exchange.run(proceed);
    }
    const attach = (): void => {
      beneath = exchange.attach() || isTracingSuppressed(context.active());
    };
    this.prependOnceListener('request', attach);
    try {
      return proceed();
    } finally {
      this.removeListener('request', attach);
    }
  };
}

/** A request of HTTP/2. The http instrumentation knows none of these: what span is active is the one to add to. */
function emitStream(proceed: () => boolean, [stream, headers]: readonly unknown[]): boolean {
  if (!isHttp2Stream(stream) || exchangeOf(stream) !== undefined) return proceed();
  const exchange = startExchange({
    head: () => http2Head(stream, headers),
    observe: (parts) => new Http2Exchange(parts, stream),
  });
  if (exchange === undefined) return proceed();
  exchange.attach();
  return exchange.run(proceed);
}

const http1Arrival = (request: IncomingMessage, response: ServerResponse): Arrival => ({
  head: () => requestHead(request),
  observe: (parts) => new Http1Exchange(parts, request, response),
});

function startExchange(arrival: Arrival): Exchange | undefined {
  for (const observe of observers) {
    const exchange = observe(arrival);
    if (exchange !== undefined) return exchange;
  }
  return undefined;
}
