import { eventTraits } from '../event-types.ts';
import type { FlatBody } from '../flat-body.ts';
import { VIEW_WITHIN_S } from '../folding/views.ts';
import type { Candidate, Denial } from './candidate.ts';

/**
 * Returns the key of all events of this type from this request; a strong observation of them overrides the weak ones.
 *
 * @param request the request's id, or its trace's if it has none
 */
export function requestKeyOf(request: string, type: string): string {
  return `${request}|${type}`;
}

/** Whether the event does not name its resource. */
export function isVague(body: FlatBody): boolean {
  return body['resource_id'] === undefined;
}

/** Whether some observers of a request may know its resource and others not. */
export function mayBeVague(body: FlatBody): boolean {
  return eventTraits[body.event].answered === true;
}

/** Returns the key of an event without a request id; its trace may contain several such events. */
export function traceKeyOf(body: FlatBody): string | undefined {
  const trace = body['trace_id'];
  return typeof trace === 'string' ? requestKeyOf(trace, body.event) : undefined;
}

/**
 * Returns the key by which other observations of the request settle a weak one. Without a request id, an event that names its
 * resource is settled only by its own id.
 */
export function weakKeyOf(body: FlatBody, requestId: string | undefined, waits: boolean): string | undefined {
  if (requestId !== undefined) return waits || mayBeVague(body) ? requestKeyOf(requestId, body.event) : undefined;
  return waits && isVague(body) ? traceKeyOf(body) : undefined;
}

/**
 * Returns the key of this client's views of this resource, or downloads of this file in pieces; undefined for other events, and
 * if the client is unknown.
 */
export function viewKeyOf(body: FlatBody): string | undefined {
  const client = body['client_id'] ?? body['session_id'] ?? body['user_id'];
  if (client === undefined) return undefined;
  const view = `${String(client)}|${String(body['resource_id'])}`;
  if (body.event === 'view.resource') return view;
  const isPiece = body['range'] !== undefined || body['complete'] === false;
  if (body.event !== 'view.download' || body['resource_type'] !== 'file' || !isPiece) return undefined;
  // A page's display is not a person's download, and another version has other bytes.
  return `${view}|download|${[body['tracked'] === false, body['preview'] === true, body['version'] ?? '', body['format'] ?? ''].join('|')}`;
}

/**
 * Describes an event that may have several observations.
 *
 * @param seconds within which further calls are the same view; undefined: this is a page
 * @param awaitsCall whether the page makes a call to get its content
 */
export function collapse(
  body: FlatBody,
  seconds: number | undefined,
  awaitsCall: boolean,
): Pick<Candidate, 'collapse'> {
  const key = viewKeyOf(body);
  if (key === undefined) return {};
  if (body.event === 'view.download') return { collapse: { key, as: 'piece' } };
  if (seconds === undefined) return { collapse: { key, as: 'page', ...(awaitsCall && { awaitsCall }) } };
  return { collapse: { key, as: 'call', withinMs: seconds * 1000 } };
}

/** Returns the denial that the observation of a denied view implies; nothing if the client is unknown. */
export function denialOf(body: FlatBody, { collapse: view }: Pick<Candidate, 'collapse'>): readonly Denial[] {
  return view === undefined || body.event !== 'view.resource'
    ? []
    : [{ key: view.key, atMs: body.created, withinMs: VIEW_WITHIN_S * 1000 }];
}
