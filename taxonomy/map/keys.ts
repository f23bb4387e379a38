import { eventTraits } from '../event-types.ts';
import type { FlatBody } from '../flat-body.ts';
import type { Candidate } from './candidate.ts';

/**
 * Stands for "the events of this type of this request": what a strong observation says of them, no weak one adds to.
 *
 * @param request id of the request; of its trace, where none is carried
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

/** By a person, of one file: it may come in pieces, of which the first may be one that broke off. */
function isDownload(body: FlatBody): boolean {
  return body.event === 'view.download' && body['resource_type'] === 'file' && body['preview'] === undefined;
}

/** Stands for "views, or downloads in pieces, of this resource by this client"; undefined for other events, and where the client is not known. */
export function viewKeyOf(body: FlatBody): string | undefined {
  const client = body['client_id'] ?? body['session_id'] ?? body['user_id'];
  if (client === undefined) return undefined;
  const view = `${String(client)}|${String(body['resource_id'])}`;
  if (body.event === 'view.resource') return view;
  const isPiece = body['range'] !== undefined || body['complete'] === false;
  return isPiece && isDownload(body) ? `${view}|download` : undefined;
}

/** The view that an event is one of, where it is one. @param seconds within which further ones are the same; undefined: a page */
export function collapse(body: FlatBody, seconds: number | undefined): Pick<Candidate, 'collapse'> {
  const key = viewKeyOf(body);
  return key === undefined ? {} : { collapse: { key, ...(seconds !== undefined && { withinMs: seconds * 1000 }) } };
}
