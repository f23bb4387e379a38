import type { FlatBody } from '../taxonomy/flat-body.ts';
import { traceKeyOf } from '../taxonomy/map.ts';

/** Stands in the seen ids for "a strong observation of this type was seen in this trace". */
export const strongKey = (traceKey: string): string => `strong:${traceKey}`;
/** Stands in the seen ids for "an event without resource was recovered for this trace and type". */
export const recoveredKey = (traceKey: string): string => `recovered:${traceKey}`;

/** What an event in the journal brings back into the seen ids. */
export interface RememberedKeys {
  readonly keys: readonly string[];
  /** The event, where views of it are one with views to come. */
  readonly viewed?: FlatBody;
}

/** Texts of lines that bring back more than their own id. */
const MORE_THAN_AN_ID = ['"source":"proxy"', '"recovered":true', '"event":"view.resource"'];

/** @param line of the journal: JSON of an event */
export function keysOfLine(line: string): RememberedKeys {
  const id = /^\{"event_id":"([^"\\]*)"/.exec(line)?.[1];
  if (id !== undefined && !MORE_THAN_AN_ID.some((text) => line.includes(text))) return { keys: [id] };
  const body = JSON.parse(line) as FlatBody;
  const keys = [body.event_id];
  const trace = body['trace_id'];
  if (typeof trace === 'string') {
    const traceKey = traceKeyOf(trace, body.event);
    if (body['recovered'] !== true) {
      if (body['source'] === 'proxy') keys.push(strongKey(traceKey));
    } else if (body['resource_id'] === undefined) keys.push(recoveredKey(traceKey));
  }
  return body.event === 'view.resource' ? { keys, viewed: body } : { keys };
}
