import { issuesAsText, type EventIssue } from '../check-draft.ts';
import type { FlatBody } from '../flat-body.ts';
import type { Attributes } from '../telemetry.ts';

/** An event that telemetry amounts to, before it is known whether it was seen already. */
export interface Candidate {
  readonly body: FlatBody;
  /** The observation is marked: the proxy captured the request, and its own event is on the way or already here. */
  readonly waits: boolean;
  /** `requestKeyOf` its request and type: a strong observation settles the weak ones that share it. */
  readonly requestKey?: string;
  /** The strong observation: it settles those that wait. */
  readonly strong: boolean;
  /**
   * A view of a resource by a client, which the key stands for: a page, or, where there is a time, a call that a page
   * made. Calls within this time of their page, or of another call, are the same view.
   */
  readonly collapse?: { readonly key: string; readonly withinMs?: number };
}

/** An explicit event that can never be accepted, and why. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
  readonly record: unknown;
  /** `service.name` of whoever stated it. */
  readonly service?: string | undefined;
}

export interface MapResult {
  readonly candidates: readonly Candidate[];
  readonly rejected: readonly Rejection[];
  /** Ids of events that weaker observations would make, and that the capture saw did not happen. */
  readonly refuted?: readonly string[];
  /** What the sender should know although the event was taken. */
  readonly warnings?: readonly string[];
}

/** What telemetry without an event amounts to. */
export const NOTHING: MapResult = { candidates: [], rejected: [] };

/** What a resource calls itself, for whoever asks from whom a record came: no field of events. */
export function serviceOf(resource: Attributes): string | undefined {
  const name = resource['service.name'];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** Of an event that the schema refuses. @param record what may be kept of it @param resource of whoever stated it */
export function reject(issues: readonly EventIssue[], record: unknown, resource: Attributes): Rejection {
  return {
    code: 'invalid_event',
    message: issuesAsText(issues),
    record,
    service: serviceOf(resource),
  };
}
