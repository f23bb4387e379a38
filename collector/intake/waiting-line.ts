import type { FlatBody } from '../../taxonomy/flat-body.ts';
import type { Candidate, Collapse } from '../../taxonomy/map/candidate.ts';
import { weakKeyOf } from '../../taxonomy/map/keys.ts';

/** Parts of a waiting line that are not fields of the event. */
const KEY = 'request_key';
const COLLAPSE = 'collapse';

interface Waiting extends Pick<Candidate, 'collapse'> {
  readonly body: FlatBody;
  readonly requestKey: string | undefined;
}

/** A waiting observation as a journal line: the event, and the request key unless it follows from the trace. */
export function lineOfWaiting({ body, requestKey, collapse }: Waiting): string {
  return JSON.stringify({
    ...body,
    ...(requestKey !== keyByTrace(body) && { [KEY]: requestKey }),
    ...(collapse !== undefined && { [COLLAPSE]: JSON.stringify(collapse) }),
  });
}

export function waitingOf(line: string): Waiting {
  const { [KEY]: requestKey, [COLLAPSE]: collapse, ...body } = JSON.parse(line) as FlatBody;
  return {
    body,
    requestKey: typeof requestKey === 'string' ? requestKey : keyByTrace(body),
    ...(typeof collapse === 'string' && { collapse: JSON.parse(collapse) as Collapse }),
  };
}

const keyByTrace = (body: FlatBody): string | undefined => weakKeyOf(body, undefined, true);
