import { context } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { EventEmitter } from 'node:events';
import { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { exchangeOf, type Exchange } from './exchange.ts';

/** Starts to observe a request; undefined where it is not to be observed. It does not throw. */
export type Observe = (request: IncomingMessage, response: ServerResponse) => Exchange | undefined;

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;

/** Events by which a server hands a request to the program. */
const REQUEST_EVENTS: ReadonlySet<string | symbol> = new Set(['request', 'checkContinue', 'checkExpectation']);

const observers = new Set<Observe>();
let patched = false;

/**
 * Has every node:http and node:https server of this process, also those that are there already, show its requests.
 *
 * @returns what ends it
 */
export function observeServers(observe: Observe): () => void {
  observers.add(observe);
  if (!patched) {
    patched = true;
    patchEmit(HttpServer.prototype);
    patchEmit(HttpsServer.prototype);
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
    if (observers.size === 0 || !REQUEST_EVENTS.has(event)) return proceed();
    const [request, response] = args;
    if (!(request instanceof IncomingMessage) || !(response instanceof ServerResponse)) return proceed();
    const exchange = exchangeOf(request) ?? startExchange(request, response);
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

function startExchange(request: IncomingMessage, response: ServerResponse): Exchange | undefined {
  for (const observe of observers) {
    const exchange = observe(request, response);
    if (exchange !== undefined) return exchange;
  }
  return undefined;
}
