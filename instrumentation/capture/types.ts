import type { IncomingHttpHeaders } from 'node:http';
import type { EventType } from '../../taxonomy/index.ts';
import type { ClowderVersion } from '../../taxonomy/http/types.ts';

/** The head of a request as its server sees it. */
export interface RequestHead {
  readonly method: string;
  /** Request target as sent: path and query, percent-encoded. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** `1.0`, `1.1` or `2.0` */
  readonly httpVersion: string;
  /** Address of the peer. */
  readonly remoteAddress: string | undefined;
  readonly scheme: 'http' | 'https';
}

export interface CaptureOptions {
  /** The observer: the proxy, or the SDK of an instrumented server. */
  readonly source: 'proxy' | 'sdk';
  readonly clowder: ClowderVersion;
  /** Path that precedes every route, e.g. '/clowder'; '' for none. */
  readonly contextPath: string;
  /** Name of this Clowder in its events. */
  readonly instance?: string | undefined;
  /** Whether X-Forwarded-For and Forwarded name the client, because a proxy in front sets them. */
  readonly trustForwarded: boolean;
  /** Most bytes of a body to read. @default 65536 */
  readonly readBytes?: number;
}

/** Attribute values as the OTel API takes them. */
export type CapturedAttributes = Record<string, string | number | boolean>;

/** A domain event as it is sent: an OTel log record with this name and these attributes (docs/design.md, "Telemetry form"). */
export interface CapturedEvent {
  readonly type: EventType;
  /** By the names of ATTRIBUTE_OF_FIELD, with `clowder.source` and, if the request has an id, `clowder.event.id`. */
  readonly attributes: CapturedAttributes;
}

/** Why a body could not be read: a stable code, counted and never thrown. */
export type CaptureErrorCode =
  | 'body_too_large'
  | 'malformed_json'
  | 'malformed_multipart'
  | 'malformed_encoding'
  | 'mapping_failed';

export interface CaptureResult {
  /** What the end of the request adds to its server span: status, sizes, resource ids, user, … */
  readonly attributes: CapturedAttributes;
  readonly events: readonly CapturedEvent[];
  /**
   * Ids of events that path and status alone suggest but that the bodies rule out. Other observers of the same request must not
   * report them either (docs/design.md, "Who knows best").
   */
  readonly refuted: readonly string[];
  readonly errors: readonly CaptureErrorCode[];
}

/**
 * One HTTP request from its head to its end. The proxy or an instrumented server feeds it. It never throws, waits, or changes a
 * byte.
 */
export interface Capture {
  readonly head: RequestHead;
  /** Low-cardinality template of Clowder's route; undefined if none matches. */
  readonly route: string | undefined;
  /** What the head adds to the server span: method, path, redacted query, client, user agent, `clowder.route`, … */
  readonly attributes: CapturedAttributes;
  /** Whether a successful answer may make an event: then the request is marked as captured. */
  readonly mayBeEvent: boolean;
  /** @param chunk may be kept, not copied: it must not be changed afterwards */
  requestChunk(chunk: Uint8Array): void;
  /**
   * @param header looks up by lower-case name: the first of several values, but all of set-cookie, joined by ', '. It is
   *   called until `end` has returned
   */
  responseHead(status: number, header: (name: string) => string | undefined): void;
  responseChunk(chunk: Uint8Array): void;
  /** The answer's body passed unseen. @param bytes its length; undefined if unknown */
  responseUnseen(bytes: number | undefined): void;
  /**
   * Call once, when the exchange is over.
   *
   * @param complete whether the client received the whole answer
   * @param traceId 32 hex digits; '' if there is none
   * @param requestId 16 hex digits; '' if there is none. The events' ids derive from it and the trace
   */
  end(complete: boolean, traceId: string, requestId: string): CaptureResult;
}
