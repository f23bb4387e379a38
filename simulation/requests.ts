import { mapLog, mapSpan } from '../taxonomy/map.ts';
import type { MapResult } from '../taxonomy/map/candidate.ts';
import { createMapContext, type MapContext } from '../taxonomy/map/context.ts';
import type { Attributes } from '../taxonomy/telemetry.ts';
import type { Random } from './random.ts';

/** One request, as it was: its trace is the client's choice, its id the edge's. */
export interface SimulatedRequest {
  readonly number: number;
  readonly traceId: string;
  readonly requestId: string;
  readonly atMs: number;
  /** Of a download in pieces: by whom, and which bytes of the file. */
  readonly piece?: { readonly viewer: string; readonly first: number; readonly last: number };
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
    // Padded with what no number begins with.
    requestId: `f${number.toString(16).padStart(31, '0')}`,
    atMs,
  };
}

const SIZE = 4000;
/** A file in pieces, as a program fetches it. */
const PIECES = [
  [0, 999],
  [1000, 1999],
  [2000, 2999],
  [3000, 3999],
] as const;

/** The requests of one download in pieces, some of which may be missing, in any order. */
export function piecesOf(numbers: readonly number[], atMs: number, random: Random): readonly SimulatedRequest[] {
  const viewer = `viewer ${numbers[0]}`;
  return numbers.map((number) => {
    const [first, last] = random.pick(PIECES);
    return { ...requestOf(number, atMs), piece: { viewer, first, last } };
  });
}

function answerOf({ piece }: SimulatedRequest): Attributes {
  if (piece === undefined) return { 'http.response.status_code': 200 };
  const { viewer, first, last } = piece;
  return {
    'http.response.status_code': 206,
    'http.response.header.content-range': [`bytes ${first}-${last}/${SIZE}`],
    'http.response.body.size': last - first + 1,
    'client.address': '192.0.2.7',
    'user_agent.original': viewer,
  };
}

/** By the product's own mapping. */
export function mapped({ by, request }: Observation, context: MapContext): MapResult {
  const attributes: Attributes = {
    'http.request.method': 'GET',
    'url.path': `/api/files/${FILE}/blob`,
    'url.scheme': 'https',
    'server.address': 'clowder.example',
    ...answerOf(request),
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
