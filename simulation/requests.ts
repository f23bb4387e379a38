import { mapLog, mapSpan } from '../taxonomy/map.ts';
import type { MapResult } from '../taxonomy/map/candidate.ts';
import { createMapContext, type MapContext } from '../taxonomy/map/context.ts';
import type { Attributes } from '../taxonomy/telemetry.ts';

/** One request, as it was: its trace is the client's choice, its id the edge's. */
export interface SimulatedRequest {
  readonly number: number;
  readonly traceId: string;
  readonly requestId: string;
  readonly atMs: number;
}

/** Who saw the request: the backend by its span, the edge by a line of its log. */
export interface Observation {
  readonly by: 'span' | 'line';
  readonly request: SimulatedRequest;
}

/** Clients that send the trace of an example with each of their requests. */
const TRACES = ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'] as const;
const FILE = '5f1e00000000000000000001';
const NANO = 1_000_000n;

export function requestOf(number: number, atMs: number): SimulatedRequest {
  return {
    number,
    traceId: TRACES[number % TRACES.length] ?? '',
    requestId: number.toString(16).padStart(32, 'a'),
    atMs,
  };
}

/** By the product's own mapping. */
export function mapped({ by, request }: Observation, context: MapContext): MapResult {
  const attributes: Attributes = {
    'http.request.method': 'GET',
    'url.path': `/api/files/${FILE}/blob`,
    'url.scheme': 'https',
    'server.address': 'clowder.example',
    'http.response.status_code': 200,
  };
  const time = BigInt(request.atMs) * NANO;
  const { traceId, requestId } = request;
  if (by === 'span')
    return mapSpan(
      {
        traceId,
        spanId: 'b7ad6b7169203331',
        parentSpanId: '',
        traceState: requestId === '' ? '' : `clowder=request:${requestId}`,
        name: 'GET',
        kind: 2,
        startTimeUnixNano: time,
        endTimeUnixNano: time,
        attributes,
        events: [],
        resource: {},
      },
      context,
    );
  return mapLog(
    {
      timeUnixNano: time,
      observedTimeUnixNano: time,
      eventName: '',
      body: undefined,
      attributes: { ...attributes, ...(requestId !== '' && { 'clowder.request.id': requestId }) },
      resource: {},
      traceId,
      spanId: '',
    },
    context,
  );
}

/** The id of the event that each request amounts to, whoever saw it. */
export function idOfRequest(request: SimulatedRequest): string {
  const { candidates } = mapped({ by: 'span', request }, createMapContext());
  return candidates[0]?.body.event_id ?? '';
}
