import { CAPTURED, REQUEST_ID, textAttribute, type INNER_REQUEST_ID, type OUTER_REQUEST_ID } from '../attributes.ts';
import type { Attributes } from '../telemetry.ts';

/** The edge's mark on a request, as one observation carries it (docs/design.md, "Identity"). */
export interface EdgeMark {
  /** A capture sees the request: its own event is on its way or already here. */
  readonly captured: boolean;
  /** Undefined if the request has no id, or its edge is of the previous version. */
  readonly requestId: string | undefined;
}

const UNMARKED: EdgeMark = { captured: false, requestId: undefined };
/** An id from a capture: its span's id. */
export const CAPTURE_ID = /^[0-9a-f]{16}$/;
/** NGINX's `$request_id`. */
const NGINX_ID = /^request:([0-9a-f]{32})$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STATED_ID = /^(?:[0-9a-f]{16}){1,2}$/;

/**
 * Returns the mark of an observation. A capture behind the edge appears in the response header of an access log, and in our
 * `tracestate` member of a backend's span. Its id replaces the edge's own.
 */
export function edgeMarkOf(attributes: Attributes, traceState: string): EdgeMark {
  const member = memberOf(traceState);
  const header = textAttribute(attributes, 'http.response.header.x-clowder-captured');
  const ids = [header, member].filter((mark) => mark !== undefined && CAPTURE_ID.test(mark));
  if (ids.length > 0) return { captured: true, requestId: ids[0] };
  const requestId = statedRequestId(attributes);
  // This is the capture's own span.
  if (saysCaptured(attributes)) return { captured: true, requestId };
  if (member === 'captured' || isSet(header)) return { captured: true, requestId: undefined };
  const ofNginx = member === undefined ? undefined : NGINX_ID.exec(member)?.[1];
  return requestId === undefined && ofNginx === undefined
    ? UNMARKED
    : { captured: false, requestId: requestId ?? ofNginx };
}

/** Returns the id that a capture wrote on a request; undefined if none did. @param traceState from the request */
export function captureIdOf(traceState: string): string | undefined {
  const member = memberOf(traceState);
  return member !== undefined && CAPTURE_ID.test(member) ? member : undefined;
}

/** Returns the id of another capture, in front of or behind the one that reports it. */
export function otherCaptureOf(
  attributes: Attributes,
  name: typeof INNER_REQUEST_ID | typeof OUTER_REQUEST_ID,
): string | undefined {
  const id = textAttribute(attributes, name);
  return id !== undefined && CAPTURE_ID.test(id) ? id : undefined;
}

/**
 * Returns the stated request id, as hex digits or a UUID: captures put it on their spans and events, NGINX on its lines,
 * gateways on spans.
 */
export function statedRequestId(attributes: Attributes): string | undefined {
  const given = textAttribute(attributes, REQUEST_ID);
  const stated = given !== undefined && UUID.test(given) ? given.replaceAll('-', '') : given;
  return stated !== undefined && STATED_ID.test(stated) ? stated : undefined;
}

/** Whether the attributes claim to come from a capture. */
export const saysCaptured = (attributes: Attributes): boolean => isSet(textAttribute(attributes, CAPTURED));

const isSet = (mark: string | undefined): boolean => mark !== undefined && mark !== 'false' && mark !== '0';

function memberOf(traceState: string): string | undefined {
  return traceState === '' ? undefined : /(?:^|,)\s*clowder=([^,]*?)\s*(?:,|$)/.exec(traceState)?.[1];
}

/** Reads the request id that a page reports, as the edge wrote it on the response (`Server-Timing`, `clowder`). */
export function markOf(said: unknown): { readonly captured: boolean; readonly id: string } | undefined {
  if (typeof said !== 'string') return undefined;
  if (STATED_ID.test(said)) return { captured: true, id: said };
  const id = NGINX_ID.exec(said)?.[1];
  return id === undefined ? undefined : { captured: false, id };
}
