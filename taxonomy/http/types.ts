import type { EventField, EventType } from '../event-types.ts';

/** A JSON value as a capture read it from a body. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The header's value (first of several), by lower-case name; undefined if absent or not recorded. */
export type HeaderLookup = (name: string) => string | undefined;

/** Which Clowder answers: decides the route table. `auto` reads the version from the path where both differ. */
export type ClowderVersion = 'v1' | 'v2' | 'auto';

/** One HTTP request as somebody observed it: a proxy sees all of it, an access log little. */
export interface HttpRequest {
  readonly method: string;
  /** As sent, percent-encoded, without query. */
  readonly path: string;
  /** As sent, without '?'; '' where none. */
  readonly query: string;
  /** 0 if no answer was seen. */
  readonly status: number;
  readonly requestHeader: HeaderLookup;
  readonly responseHeader: HeaderLookup;
  /** Parsed JSON body or form fields, where the observer read them. */
  readonly requestBody?: Json;
  /** Parsed JSON body, or text, where the observer read it. */
  readonly responseBody?: Json;
  /** The answer holds a list that goes on behind what was read of it. */
  readonly responseTruncated?: true;
  /** Uploaded parts of a multipart body, in order, where the observer read them. */
  readonly parts?: readonly UploadedPart[];
  /** Bytes of the response body that were sent. */
  readonly bytesSent?: number;
  /** false if the client left before the end, true if it is known to have stayed. */
  readonly complete?: boolean;
  readonly durationMs?: number;
  /** When the answer came: by then, what it sets may be over. */
  readonly answeredMs?: number;
}

/** The route that a request took, as far as rules ask for it. */
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

/** The data fields of one event that a request amounts to: all but identity, time and who. */
export interface HttpEvent {
  readonly event: EventType;
  readonly data: EventData;
  /** Seconds within which further events of the same client and resource are the same view; absent: each counts. */
  readonly collapseWithinS?: number;
}

/** Any data fields of any event type, still unchecked against the type's schema. */
export type EventData = { [F in EventField]?: string | number | boolean };

export interface HttpMappingOptions {
  readonly clowder: ClowderVersion;
  /** Path that precedes every route, e.g. '/clowder'; '' for none. */
  readonly contextPath: string;
}
