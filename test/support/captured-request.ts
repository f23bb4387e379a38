import type { Capture, CaptureResult, RequestHead } from '../../instrumentation/capture/types.ts';
import type { EncodableSpan } from '../../instrumentation/telemetry/otlp/encode.ts';

/** Head of an upload, as a server sees it. */
export function requestHead(headers: RequestHead['headers'] = {}, target = '/api/files'): RequestHead {
  return { method: 'POST', target, headers, httpVersion: '1.1', remoteAddress: '10.0.0.1', scheme: 'http' };
}

/**
 * A capture that observes nothing and ends with the given result. Its attributes are added to, so each request needs its own.
 */
export function endingWith(result: Partial<CaptureResult> = {}, given: Partial<Capture> = {}): Capture {
  return {
    head: requestHead(),
    route: '/api/files',
    attributes: { 'http.request.method': 'POST', 'clowder.route': '/api/files' },
    mayBeEvent: true,
    requestChunk: () => undefined,
    responseHead: () => undefined,
    responseChunk: () => undefined,
    responseUnseen: () => undefined,
    end: () => ({ attributes: { 'http.response.status_code': 200 }, events: [], refuted: [], errors: [], ...result }),
    ...given,
  };
}

/** A minimal span. */
export const SPAN: EncodableSpan = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '',
  traceState: '',
  name: 'GET',
  start: { ms: 1, ns: 0 },
  end: { ms: 2, ns: 0 },
  attributes: {},
  failed: false,
};
