import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { weakKeyOf } from '../../taxonomy/map/keys.ts';

/** Of a waiting line: what no field of the event says. */
const KEY = 'request_key';

/** A waiting observation as the journal keeps it: the event, and the key of its request where that says more than the trace. */
export function lineOfWaiting(body: FlatBody, requestKey: string | undefined): string {
  return JSON.stringify(requestKey === keyByTrace(body) ? body : { ...body, [KEY]: requestKey });
}

export function bodyOfWaiting(line: string): { readonly body: FlatBody; readonly requestKey: string | undefined } {
  const { [KEY]: requestKey, ...body } = JSON.parse(line) as FlatBody;
  return { body, requestKey: typeof requestKey === 'string' ? requestKey : keyByTrace(body) };
}

const keyByTrace = (body: FlatBody): string | undefined => weakKeyOf(body, undefined, true);
