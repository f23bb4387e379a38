import { issuesAsText, type EventIssue } from '../check-draft.ts';
import type { FlatBody } from '../flat-body.ts';
import type { Part } from '../folding/folding.ts';
import type { Attributes } from '../telemetry.ts';

/** An event that telemetry amounts to, before it is known whether it was seen already. */
export interface Candidate {
  readonly body: FlatBody;
  /** The observation is marked: the proxy captured the request, and its own event is on the way or already here. */
  readonly waits: boolean;
  /** `requestKeyOf` its request and type: a strong observation settles the weak ones that share it. */
  readonly requestKey?: string;
  /** Whoever sent the event has given it its id. */
  readonly stated?: true;
  /** By whom the id was stated: ids count within who may write them. Undefined if it was not stated, or nobody has a name. */
  readonly producer?: string | undefined;
  /** The strong observation: it settles those that wait. */
  readonly strong: boolean;
  /** The same of the capture behind: what that one, and those behind it, say of the request is settled too. */
  readonly innerKey?: string;
  readonly collapse?: Collapse;
}

/** A view of a resource, or a download of a file, by a client, which the key stands for; and what the observation is of it. */
export interface Collapse {
  readonly key: string;
  readonly as: Part;
  /** Of a call: with its page, and with other calls within this time, it is one view. */
  readonly withinMs?: number;
  /** Of a page: by how much it may have begun before it was told of. @default 0 */
  readonly leadMs?: number;
  /** Of a page: by a call of its own it gets what it shows. */
  readonly awaitsCall?: boolean;
}

/** A page's own call was answered that there is nothing to show: the page is not a view. */
export interface Denial {
  readonly key: string;
  readonly atMs: number;
  readonly withinMs: number;
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
  readonly denied?: readonly Denial[];
  /** What the sender should know although the event was taken. */
  readonly warnings?: readonly string[];
}

/** Told to a sender whose word is no capture's (docs/design.md, "Who knows best"). */
export const NOT_BELIEVED =
  'The API key lacks the scope capture, so what it reports as captured counts as an ordinary observation';

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
