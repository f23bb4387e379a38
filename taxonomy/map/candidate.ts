import { issuesAsText, type EventIssue } from '../check-draft.ts';
import type { FlatBody } from '../flat-body.ts';
import type { Part } from '../folding/folding.ts';
import type { Attributes } from '../telemetry.ts';

/** An event found in telemetry that may be a repeat. */
export interface Candidate {
  readonly body: FlatBody;
  /** The observation is marked as captured: the capture's own event is on its way or already here. */
  readonly waits: boolean;
  /** `requestKeyOf` its request and type. A strong observation settles the weak ones with the same key. */
  readonly requestKey?: string;
  /** The sender gave the event its id. */
  readonly stated?: true;
  /**
   * Name of the sender that stated the id; ids are compared only within one sender. Undefined if the id was not stated, or the
   * sender has no name.
   */
  readonly producer?: string | undefined;
  /** This is the strong observation; it settles the ones that wait. */
  readonly strong: boolean;
  /**
   * `requestKey` of the capture behind this one: its observations of the request, and those of captures behind it, are settled
   * too.
   */
  readonly innerKey?: string;
  readonly collapse?: Collapse;
}

/**
 * The key stands for a client's views of a resource, or its downloads of a file; the rest says what this observation
 * contributes.
 */
export interface Collapse {
  readonly key: string;
  readonly as: Part;
  /** For a call: it belongs to one view with its page and other calls within this time. */
  readonly withinMs?: number;
  /** For a page: how long before its report it may have begun. @default 0 */
  readonly leadMs?: number;
  /** For a page: it makes a call of its own to get its content. */
  readonly awaitsCall?: boolean;
}

/** A page's own call was answered that there is nothing to show, so the page is not a view. */
export interface Denial {
  readonly key: string;
  readonly atMs: number;
  readonly withinMs: number;
}

/** An explicit event that can never be accepted, with the reason. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
  readonly record: unknown;
  /** `service.name` of the sender. */
  readonly service?: string | undefined;
}

export interface MapResult {
  readonly candidates: readonly Candidate[];
  readonly rejected: readonly Rejection[];
  /** Ids of events that weaker observers would report, but that according to the capture did not happen. */
  readonly refuted?: readonly string[];
  readonly denied?: readonly Denial[];
  /** What the sender should know although its event was accepted. */
  readonly warnings?: readonly string[];
}

/** Warning to a sender that may not speak for a capture (docs/design.md, "Who knows best"). */
export const NOT_BELIEVED =
  'The API key lacks the scope capture, so what it reports as captured counts as an ordinary observation';

/** The result for telemetry without an event. */
export const NOTHING: MapResult = { candidates: [], rejected: [] };

/** Returns a resource's name for itself, to tell where a record came from. It fills no event field. */
export function serviceOf(resource: Attributes): string | undefined {
  const name = resource['service.name'];
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** Rejects an event that fails the schema. @param record the part that may be kept @param resource the sender's */
export function reject(issues: readonly EventIssue[], record: unknown, resource: Attributes): Rejection {
  return {
    code: 'invalid_event',
    message: issuesAsText(issues),
    record,
    service: serviceOf(resource),
  };
}
