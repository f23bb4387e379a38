import type { FlatBody } from '../flat-body.ts';
import type { Candidate } from './candidate.ts';

/** Stands for "an event of this type in this trace", for observations that do not know the resource. */
export function traceKeyOf(traceId: string, type: string): string {
  return `${traceId}|${type}`;
}

/** Stands for "views of this resource by this client"; undefined for other events, and where the client is not known. */
export function viewKeyOf(body: FlatBody): string | undefined {
  const client = body['client_id'] ?? body['session_id'] ?? body['user_id'];
  if (body.event !== 'view.resource' || client === undefined) return undefined;
  return `${String(client)}|${String(body['resource_id'])}`;
}

/** The view that an event is one of, where it is one. @param seconds within which further ones are the same; undefined: a page */
export function collapse(body: FlatBody, seconds: number | undefined): Pick<Candidate, 'collapse'> {
  const key = viewKeyOf(body);
  return key === undefined ? {} : { collapse: { key, ...(seconds !== undefined && { withinMs: seconds * 1000 }) } };
}
