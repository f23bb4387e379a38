import { CAPTURED, REQUEST_ID, textAttribute, type INNER_REQUEST_ID, type OUTER_REQUEST_ID } from '../attributes.ts';
import type { Attributes } from '../telemetry.ts';

/** What the edge wrote on a request, as one of its observations carries it (docs/design.md, "Identity"). */
export interface EdgeMark {
  /** A capture sees the request: its own event is on the way or already here. */
  readonly captured: boolean;
  /** Undefined where nobody gave it one, or an edge of the version before. */
  readonly requestId: string | undefined;
}

const UNMARKED: EdgeMark = { captured: false, requestId: undefined };
/** A capture's: the id of its span. */
export const CAPTURE_ID = /^[0-9a-f]{16}$/;
/** NGINX's `$request_id`. */
const NGINX_ID = /^request:([0-9a-f]{32})$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STATED_ID = /^(?:[0-9a-f]{16}){1,2}$/;

/**
 * The mark of an observation. The answer's header, which an access log has, and our member of `tracestate`, which a
 * backend's span has, tell of a capture behind the edge; its id takes the place of the edge's own.
 */
export function edgeMarkOf(attributes: Attributes, traceState: string): EdgeMark {
  const member = memberOf(traceState);
  const header = textAttribute(attributes, 'http.response.header.x-clowder-captured');
  const ids = [header, member].filter((mark) => mark !== undefined && CAPTURE_ID.test(mark));
  if (ids.length > 0) return { captured: true, requestId: ids[0] };
  const requestId = statedRequestId(attributes);
  // The capture's own span.
  if (saysCaptured(attributes)) return { captured: true, requestId };
  if (member === 'captured' || isSet(header)) return { captured: true, requestId: undefined };
  const ofNginx = member === undefined ? undefined : NGINX_ID.exec(member)?.[1];
  return requestId === undefined && ofNginx === undefined
    ? UNMARKED
    : { captured: false, requestId: requestId ?? ofNginx };
}

/** The id that a capture wrote on a request; undefined if none did. @param traceState as the request carries it */
export function captureIdOf(traceState: string): string | undefined {
  const member = memberOf(traceState);
  return member !== undefined && CAPTURE_ID.test(member) ? member : undefined;
}

/** The id of another capture that a capture tells of, in front of it or behind it. */
export function otherCaptureOf(
  attributes: Attributes,
  name: typeof INNER_REQUEST_ID | typeof OUTER_REQUEST_ID,
): string | undefined {
  const id = textAttribute(attributes, name);
  return id !== undefined && CAPTURE_ID.test(id) ? id : undefined;
}

/** What a capture says of its own span or event, NGINX of its line, a gateway of its span: hex digits, or a UUID. */
export function statedRequestId(attributes: Attributes): string | undefined {
  const given = textAttribute(attributes, REQUEST_ID);
  const stated = given !== undefined && UUID.test(given) ? given.replaceAll('-', '') : given;
  return stated !== undefined && STATED_ID.test(stated) ? stated : undefined;
}

/** Whether it says of itself that it is a capture's. */
export const saysCaptured = (attributes: Attributes): boolean => isSet(textAttribute(attributes, CAPTURED));

const isSet = (mark: string | undefined): boolean => mark !== undefined && mark !== 'false' && mark !== '0';

function memberOf(traceState: string): string | undefined {
  return traceState === '' ? undefined : /(?:^|,)\s*clowder=([^,]*?)\s*(?:,|$)/.exec(traceState)?.[1];
}

/** A page's own word of which request brought it, as the edge wrote it on the answer (`Server-Timing`, `clowder`). */
export function markOf(said: unknown): { readonly captured: boolean; readonly id: string } | undefined {
  if (typeof said !== 'string') return undefined;
  if (STATED_ID.test(said)) return { captured: true, id: said };
  const id = NGINX_ID.exec(said)?.[1];
  return id === undefined ? undefined : { captured: false, id };
}
