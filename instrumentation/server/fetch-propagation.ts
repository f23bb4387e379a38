import { context, propagation } from '@opentelemetry/api';
import { subscribe } from 'node:diagnostics_channel';

/** What undici, and so Node's `fetch`, publishes about a request before sending it. */
interface OutgoingRequest {
  addHeader(name: string, value: string): unknown;
  /** Alternating names and values, or the raw text, depending on undici's version. */
  headers?: unknown;
}

let subscribed = false;

/**
 * Makes `fetch` carry the trace context; the http instrumentation does so only for node:http. Headers of an undici
 * instrumentation stay, so call this as late as possible, after all others have subscribed. Any other trace headers come from a
 * client whose headers the program forwards, and are replaced.
 */
export function propagateThroughFetch(): void {
  if (subscribed) return;
  subscribed = true;
  subscribe('undici:request:create', (message) => {
    const request = outgoing(message);
    if (request === undefined) return;
    const carrier: Record<string, string> = {};
    propagation.inject(context.active(), carrier);
    if (Object.keys(carrier).length === 0 || isOurs(request, carrier)) return;
    request.headers = withoutHeaders(
      request.headers,
      new Set(Object.keys(carrier).concat('traceparent', 'tracestate')),
    );
    for (const [name, value] of Object.entries(carrier)) request.addHeader(name, value);
  });
}

const TRACE_ID = /^[0-9a-f]{2}-([0-9a-f]{32})-/;

/** Whether the request carries the active trace, and our mark if the trace has one. */
function isOurs({ headers }: OutgoingRequest, carrier: Readonly<Record<string, string>>): boolean {
  const traceId = TRACE_ID.exec(carrier['traceparent'] ?? '')?.[1];
  const sent = valueOf(headers, 'traceparent');
  if (traceId === undefined || sent === undefined || TRACE_ID.exec(sent)?.[1] !== traceId) return false;
  const mark = /(?:^|,)\s*clowder=[^,]*/.exec(carrier['tracestate'] ?? '')?.[0];
  return mark === undefined || valueOf(headers, 'tracestate')?.includes(mark) === true;
}

/** @param headers alternating names and values, or raw lines */
function valueOf(headers: unknown, name: string): string | undefined {
  if (typeof headers === 'string') return new RegExp(`^${name}:[ \\t]*(.*?)\r?$`, 'im').exec(headers)?.[1];
  if (!Array.isArray(headers)) return undefined;
  const at = headers.findIndex((one, index) => index % 2 === 0 && String(one).toLowerCase() === name);
  return at === -1 ? undefined : String(headers[at + 1]);
}

function withoutHeaders(headers: unknown, names: ReadonlySet<string>): unknown {
  if (typeof headers === 'string') {
    const lines = headers.split(/(?<=\n)/);
    return lines.filter((line) => !names.has(line.slice(0, line.indexOf(':')).toLowerCase())).join('');
  }
  if (!Array.isArray(headers)) return headers;
  const isKept = (_: unknown, index: number): boolean => !names.has(String(headers[index - (index % 2)]).toLowerCase());
  return headers.filter(isKept);
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
