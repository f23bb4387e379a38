import { mapLog, mapSpan } from '../taxonomy/map.ts';
import type { MapResult } from '../taxonomy/map/candidate.ts';
import { createMapContext, type MapContext } from '../taxonomy/map/context.ts';
import type { Attributes } from '../taxonomy/telemetry.ts';
import type { Random } from './random.ts';

/** One actual request. The client chose its trace; the edge chose its id. */
export interface SimulatedRequest {
  readonly number: number;
  readonly traceId: string;
  readonly requestId: string;
  readonly atMs: number;
  /** For a download in pieces: the viewer, and the bytes of the file. */
  readonly piece?: { readonly viewer: string; readonly first: number; readonly last: number };
}

/** An observation of a request: by the backend's span or by a line in the edge's log. */
export interface Observation {
  readonly by: 'span' | 'line';
  readonly request: SimulatedRequest;
}

/** Trace ids that clients copied from an example and send with every request. */
const TRACES = ['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'] as const;
const FILE = '5f1e00000000000000000001';
const NANO = 1_000_000n;

export function requestOf(number: number, atMs: number): SimulatedRequest {
  return {
    number,
    traceId: TRACES[number % TRACES.length] ?? '',
    // The prefix `f` keeps ids distinct from padding.
    requestId: `f${number.toString(16).padStart(31, '0')}`,
    atMs,
  };
}

const SIZE = 4000;
/** The pieces of a file as a program fetches it. */
const PIECES = [
  [0, 999],
  [1000, 1999],
  [2000, 2999],
  [3000, 3999],
] as const;

/** The requests of one download in pieces, in any order; some pieces may be missing. */
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

/** Maps an observation with the product's own code. */
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

/** The id of the event that a request amounts to, whoever observed it. */
export function idOfRequest(request: SimulatedRequest): string {
  const { candidates } = mapped({ by: 'span', request }, createMapContext());
  return candidates[0]?.body.event_id ?? '';
}
