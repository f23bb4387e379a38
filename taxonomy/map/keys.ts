import { eventTraits } from '../event-types.ts';
import type { FlatBody } from '../flat-body.ts';
import { VIEW_WITHIN_S } from '../folding/views.ts';
import type { Candidate, Denial } from './candidate.ts';

/**
 * Stands for "the events of this type of this request": what a strong observation says of them, no weak one adds to.
 *
 * @param request id of the request; of its trace, if none is carried
 */
export function requestKeyOf(request: string, type: string): string {
  return `${request}|${type}`;
}

/** Whether it lacks what it is about. */
export function isVague(body: FlatBody): boolean {
  return body['resource_id'] === undefined;
}

/** Whether observers of one request may know of the same event with and without its resource. */
export function mayBeVague(body: FlatBody): boolean {
  return eventTraits[body.event].answered === true;
}

/** The key of an event whose observation carries no id of its request, and may be one of several of its trace. */
export function traceKeyOf(body: FlatBody): string | undefined {
  const trace = body['trace_id'];
  return typeof trace === 'string' ? requestKeyOf(trace, body.event) : undefined;
}

/**
 * By which other observations of the request settle a weak one. Without an id of its request, an event that names its
 * resource is settled by its own id alone.
 */
export function weakKeyOf(body: FlatBody, requestId: string | undefined, waits: boolean): string | undefined {
  if (requestId !== undefined) return waits || mayBeVague(body) ? requestKeyOf(requestId, body.event) : undefined;
  return waits && isVague(body) ? traceKeyOf(body) : undefined;
}

/** Stands for "views of this resource by this client", or "downloads of this file in pieces"; undefined for other events, and where the client is not known. */
export function viewKeyOf(body: FlatBody): string | undefined {
  const client = body['client_id'] ?? body['session_id'] ?? body['user_id'];
  if (client === undefined) return undefined;
  const view = `${String(client)}|${String(body['resource_id'])}`;
  if (body.event === 'view.resource') return view;
  const isPiece = body['range'] !== undefined || body['complete'] === false;
  if (body.event !== 'view.download' || body['resource_type'] !== 'file' || !isPiece) return undefined;
  // What a page shows is not what a person saves, and another version has other bytes.
  return `${view}|download|${[body['tracked'] === false, body['preview'] === true, body['version'] ?? '', body['format'] ?? ''].join('|')}`;
}

/**
 * The event of which an observation may be one of several.
 *
 * @param seconds within which further calls are the same view; undefined: a page
 * @param awaitsCall whether a page makes a call, by which it gets what it shows
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

/** What the observation of a view that was denied says of its page; nothing if the client is not known. */
export function denialOf(body: FlatBody, { collapse: view }: Pick<Candidate, 'collapse'>): readonly Denial[] {
  return view === undefined || body.event !== 'view.resource'
    ? []
    : [{ key: view.key, atMs: body.created, withinMs: VIEW_WITHIN_S * 1000 }];
}
