import { jsonBytes } from '../../shape.ts';
import type { SinkEvent } from '../../sink.ts';
import { clientOf, toGa4 } from './event.ts';

/** Events of one client for one request. */
export interface Ga4Request {
  readonly client: ReturnType<typeof clientOf>;
  readonly events: readonly SinkEvent[];
  /** Requests of one wave share no resource and may be sent at once; the next wave follows after them. */
  readonly wave: number;
}

export const MAX_EVENTS = 25;
/** The body must be smaller than 130 kB. */
const MAX_BODY_BYTES = 129_999;

interface Growing {
  readonly client: ReturnType<typeof clientOf>;
  readonly events: SinkEvent[];
  readonly wave: number;
  bytes: number;
}

/** Divides a batch by client into as few requests as possible, while events of one resource stay in order. */
export function divide(batch: readonly SinkEvent[]): readonly Ga4Request[] {
  const requests: Growing[] = [];
  const openOf = new Map<string, Growing>();
  const latestOf = new Map<string, Growing>();
  for (const event of batch) {
    const client = clientOf(event);
    const key = JSON.stringify(client);
    const bytes = jsonBytes(toGa4(event)) + 1;
    const latest = event.resource === '' ? undefined : latestOf.get(event.resource);
    let request = openOf.get(key);
    if (request === undefined || !hasRoom(request, bytes) || !mayFollow(request, latest)) {
      const wave = latest === undefined ? 0 : latest.wave + 1;
      request = { client, events: [], wave, bytes: Buffer.byteLength(bodyOf({ client, events: [] })) };
      requests.push(request);
      openOf.set(key, request);
    }
    request.events.push(event);
    request.bytes += bytes;
    if (event.resource !== '') latestOf.set(event.resource, request);
  }
  return requests;
}

/** Builds the body of a request, with consent for advertising denied. */
export function bodyOf({ client, events }: Pick<Ga4Request, 'client' | 'events'>, extra: object = {}): string {
  return JSON.stringify({
    ...client,
    consent: { ad_user_data: 'DENIED', ad_personalization: 'DENIED' },
    ...extra,
    events: events.map((event) => toGa4(event)),
  });
}

const hasRoom = (request: Growing, bytes: number): boolean =>
  request.events.length < MAX_EVENTS && request.bytes + bytes <= MAX_BODY_BYTES;

const mayFollow = (request: Growing, latest: Growing | undefined): boolean =>
  latest === undefined || latest === request || request.wave > latest.wave;
