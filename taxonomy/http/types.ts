import type { EventField, EventType } from '../event-types.ts';

/** A JSON value as a capture read it from a body. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Returns a header's value (the first of several), by lower-case name; undefined if absent or not recorded. */
export type HeaderLookup = (name: string) => string | undefined;

/**
 * The version of Clowder that answers; it selects the route table. `auto` tells the version by the path, where the two differ.
 */
export type ClowderVersion = 'v1' | 'v2' | 'auto';

/** One HTTP request as an observer saw it: a proxy sees all of it, an access log little. */
export interface HttpRequest {
  readonly method: string;
  /** As sent, percent-encoded, without query. */
  readonly path: string;
  /** As sent, without '?'; '' if there is none. */
  readonly query: string;
  /** 0 if no response was seen. */
  readonly status: number;
  readonly requestHeader: HeaderLookup;
  readonly responseHeader: HeaderLookup;
  /** Parsed JSON body or form fields, if the observer read them. */
  readonly requestBody?: Json;
  /** Parsed JSON body, or text, if the observer read it. */
  readonly responseBody?: Json;
  /** The response is a list that continues beyond the part that was read. */
  readonly responseTruncated?: true;
  /** Uploaded parts of a multipart body, in order, if the observer read them. */
  readonly parts?: readonly UploadedPart[];
  /** Bytes of the response body that were sent. */
  readonly bytesSent?: number;
  /** false if the client left early, true if it is known to have stayed to the end. */
  readonly complete?: boolean;
  readonly durationMs?: number;
  /** Time of the response in Unix milliseconds, to tell whether a cookie has already expired. */
  readonly answeredMs?: number;
}

/** The route of a request, as far as rules need it. */
export interface TakenRoute {
  readonly route: { readonly template: string; readonly version: 'v1' | 'v2' };
  /** Path parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
}

export interface UploadedPart {
  readonly field: string;
  readonly fileName?: string;
  readonly bytes?: number;
  readonly contentType?: string;
}

/** The data fields of one event that a request caused: everything except identity, time and user. */
export interface HttpEvent {
  readonly event: EventType;
  readonly data: EventData;
  /** Further events of the same client and resource within these seconds are the same view; if absent, each event counts. */
  readonly collapseWithinS?: number;
}

/** Any data fields of any event type, not yet checked against the type's schema. */
export type EventData = { [F in EventField]?: string | number | boolean };

export interface HttpMappingOptions {
  readonly clowder: ClowderVersion;
  /** Path that precedes every route, e.g. '/clowder'; '' for none. */
  readonly contextPath: string;
}
