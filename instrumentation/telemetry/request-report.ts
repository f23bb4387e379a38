import { CAPTURED } from '../../taxonomy/attributes.ts';
import type { Capture, CapturedAttributes } from '../capture/types.ts';

/** Prefix of the event names of domain events. */
export const EVENT_PREFIX = 'clowder.';

/** The server span's attributes from the request's head: the capture's, to which ours are added in place. */
export function headAttributes({ attributes, route, mayBeEvent }: Capture, ownsSpan: boolean): CapturedAttributes {
  if (ownsSpan && route !== undefined) attributes['http.route'] = route;
  if (mayBeEvent) attributes[CAPTURED] = true;
  return attributes;
}

/** `{method} {route}`, low-cardinality (semantic conventions, HTTP spans, "Name"). */
export function spanName({ attributes, route }: Capture): string {
  const method = attributes['http.request.method'];
  const known = method === undefined || method === '_OTHER' ? 'HTTP' : String(method);
  return route === undefined ? known : `${known} ${route}`;
}

/**
 * Whether the exchange failed on the server's side, by its status or error; `error.type` then says how.
 *
 * @param attributes of the end of the request; `error.type` is added in place
 */
export function hasFailed(attributes: CapturedAttributes, error: Error | undefined): boolean {
  const status = attributes['http.response.status_code'];
  if (error !== undefined) attributes['error.type'] = errorType(error);
  else if (typeof status === 'number' && status >= 500) attributes['error.type'] = String(status);
  else return false;
  return true;
}

/** The system's error code (ECONNREFUSED), else the error's class. */
function errorType(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
