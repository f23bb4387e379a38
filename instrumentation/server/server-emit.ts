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

/** A request that a server is about to pass to the program. */
export interface Arrival {
  /** Undefined if the request is not to be observed. */
  head(): RequestHead | undefined;
  observe(parts: ExchangeParts): Exchange;
}

/** Starts to observe a request; undefined if it is not to be observed. Never throws. */
export type Observe = (arrival: Arrival) => Exchange | undefined;

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;

/** Events by which a server passes an HTTP/1 request to the program. */
const REQUEST_EVENTS: ReadonlySet<string | symbol> = new Set(['request', 'checkContinue', 'checkExpectation']);

const observers = new Set<Observe>();
let patched = false;

/**
 * Observes the requests of all node:http, node:https and node:http2 servers in this process, including existing ones.
 *
 * @returns a function that stops observing
 */
export function observeServers(observe: Observe): () => void {
  observers.add(observe);
  if (!patched) {
    patched = true;
    patchEmit(HttpServer.prototype);
    patchEmit(HttpsServer.prototype);
    // Base class of node:http2's servers, so node:http2 need not be loaded. Last, as other instrumentations do.
    patchEmit(NetServer.prototype);
  }
  return () => void observers.delete(observe);
}

/**
 * Does not use InstrumentationBase's `_wrap`, which removes another instrumentation's wrapper. Ours is a plain function that
 * stays in place, and other instrumentations may wrap it or lie beneath it.
 */
function patchEmit(prototype: EventEmitter): void {
  // oxlint-disable-next-line typescript/unbound-method -- called with the server it is emitted on
  const original = prototype.emit as Emit;
  // An instrumentation beneath starts the server span only when called, so look for the span when its listeners run.
  let beneath = original !== EventEmitter.prototype.emit;

  prototype.emit = function emit(this: EventEmitter, event: string | symbol, ...args: unknown[]): boolean {
    const proceed = (): boolean => Reflect.apply(original, this, [event, ...args]);
    if (observers.size === 0) return proceed();
    if (event === 'stream') return emitStream(proceed, args);
    if (!REQUEST_EVENTS.has(event)) return proceed();
    const [request, response] = args;
    // The compatibility API of node:http2 also emits requests, within 'stream'.
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

/** An HTTP/2 request. The http instrumentation ignores these, so we add to whatever span is active. */
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
