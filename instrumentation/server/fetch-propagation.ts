import { context, propagation } from '@opentelemetry/api';
import { subscribe } from 'node:diagnostics_channel';

/** What undici, and with it Node's `fetch`, publishes of a request before it is sent. */
interface OutgoingRequest {
  addHeader(name: string, value: string): unknown;
  /** Names and values in turn, or the raw text, by version. */
  readonly headers?: unknown;
}

let subscribed = false;

/**
 * Has `fetch` carry the trace context, which the http instrumentation does only for node:http. Where an instrumentation
 * of undici has done so, its headers stay; so call this as late as possible, after everybody else has subscribed.
 */
export function propagateThroughFetch(): void {
  if (subscribed) return;
  subscribed = true;
  subscribe('undici:request:create', (message) => {
    const request = outgoing(message);
    if (request === undefined || /traceparent/i.test(String(request.headers))) return;
    const carrier: Record<string, string> = {};
    propagation.inject(context.active(), carrier);
    for (const [name, value] of Object.entries(carrier)) request.addHeader(name, value);
  });
}

function outgoing(message: unknown): OutgoingRequest | undefined {
  if (typeof message !== 'object' || message === null || !('request' in message)) return undefined;
  const { request } = message;
  return isOutgoing(request) ? request : undefined;
}

function isOutgoing(request: unknown): request is OutgoingRequest {
  return (
    typeof request === 'object' && request !== null && 'addHeader' in request && typeof request.addHeader === 'function'
  );
}
