import type { IncomingHttpHeaders } from 'node:http';
import type { EventType } from '../../taxonomy/index.ts';
import type { ClowderVersion } from '../../taxonomy/http/types.ts';

/** The head of a request as the server side of it sees it. */
export interface RequestHead {
  readonly method: string;
  /** Request target as sent: path and query, percent-encoded. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** `1.0`, `1.1` or `2.0` */
  readonly httpVersion: string;
  /** Address of the other end of the connection. */
  readonly remoteAddress: string | undefined;
  readonly scheme: 'http' | 'https';
}

export interface CaptureOptions {
  /** Who observes: the proxy, or the SDK of an instrumented server. */
  readonly source: 'proxy' | 'sdk';
  readonly clowder: ClowderVersion;
  /** Path that precedes every route, e.g. '/clowder'; '' for none. */
  readonly contextPath: string;
  /** Name of this Clowder for its events. */
  readonly instance?: string | undefined;
  /** Whether X-Forwarded-For and Forwarded of the request name the client (there is a proxy in front that sets them). */
  readonly trustForwarded: boolean;
  /** Bytes of a body that are looked at, at most. @default 65536 */
  readonly readBytes?: number;
}

/** Attribute values as the OTel API takes them. */
export type CapturedAttributes = Record<string, string | number | boolean>;

/** A domain event as it leaves: an OTel log record of this name and these attributes (docs/design.md, "Telemetry form"). */
export interface CapturedEvent {
  readonly type: EventType;
  /** By the names of ATTRIBUTE_OF_FIELD; `clowder.source` and, if the request has an id, `clowder.event.id` included. */
  readonly attributes: CapturedAttributes;
}

/** Why a body could not be read; a stable code, counted and never thrown. */
export type CaptureErrorCode =
  | 'body_too_large'
  | 'malformed_json'
  | 'malformed_multipart'
  | 'malformed_encoding'
  | 'mapping_failed';

export interface CaptureResult {
  /** What the end of the request adds to its server span: status, sizes, resource ids, client kind, user, … */
  readonly attributes: CapturedAttributes;
  readonly events: readonly CapturedEvent[];
  /**
   * Ids of events that path and status alone would have made, and that the bodies say did not happen: other observers
   * of the same request must not make them either (docs/design.md, "Who knows best").
   */
  readonly refuted: readonly string[];
  readonly errors: readonly CaptureErrorCode[];
}

/**
 * One HTTP request from its head to its end, fed by whoever carries it: the proxy, or an instrumented server. Nothing
 * here throws, waits, or changes a byte.
 */
export interface Capture {
  readonly head: RequestHead;
  /** Low-cardinality template of Clowder's route; undefined if it has none. */
  readonly route: string | undefined;
  /** What the head gives to the server span: method, path, redacted query, client, user agent, `clowder.route`, … */
  readonly attributes: CapturedAttributes;
  /** Whether an answer that succeeds may make an event: then the request is marked as captured. */
  readonly mayBeEvent: boolean;
  /** @param chunk is kept if a reader needs it: it must not be written to afterwards */
  requestChunk(chunk: Uint8Array): void;
  /**
   * @param header by lower-case name; the first of several values, of set-cookie all, joined by ', '. It is asked until
   *   `end` has returned
   */
  responseHead(status: number, header: (name: string) => string | undefined): void;
  responseChunk(chunk: Uint8Array): void;
  /** The answer's body passed where it could not be looked at. @param bytes undefined if nobody knows how many */
  responseUnseen(bytes: number | undefined): void;
  /**
   * Once, when the exchange is over.
   *
   * @param complete whether the client got all of the answer
   * @param traceId 32 hex digits, '' if there is none
   * @param requestId 16 hex digits, '' if there is none: the events' ids come from both
   */
  end(complete: boolean, traceId: string, requestId: string): CaptureResult;
}
