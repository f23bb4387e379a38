import type { UpstreamError } from './errors.ts';
import type { ResponseHead } from './response-head.ts';

/** Receives the answer on a connection; one exchange at a time. */
export interface Answering {
  informational(head: ResponseHead): void;
  head(head: ResponseHead): void;
  body(chunk: Buffer, last: boolean): void;
  /** The answer is complete. */
  end(trailers: readonly string[]): void;
  /** The connection now speaks another protocol and belongs to the exchange; `rest` followed the head. */
  switched(head: ResponseHead, rest: Buffer): void;
  /** Everything that arrived together has been delivered. */
  settled(): void;
  /** More of the request can be written. */
  drain(): void;
  /** The answer is complete and the connection gone: the rest of the request cannot be sent. */
  gone(): void;
  /**
   * No (further) answer will come.
   *
   * @param stale nothing came on a reused connection, so Clowder was probably closing it while we wrote
   */
  failed(error: UpstreamError, stale: boolean): void;
}
