import type { UpstreamError } from './errors.ts';
import type { ResponseHead } from './response-head.ts';

/** Who waits for the answer on a connection: one exchange at a time. */
export interface Answering {
  informational(head: ResponseHead): void;
  head(head: ResponseHead): void;
  body(chunk: Buffer, last: boolean): void;
  /** The answer is complete. */
  end(trailers: readonly string[]): void;
  /** The connection speaks another protocol from here on and is the exchange's own; `rest` came behind the head. */
  switched(head: ResponseHead, rest: Buffer): void;
  /** Everything that has arrived together has been told. */
  settled(): void;
  /** More of the request can be written. */
  drain(): void;
  /** The answer is complete and the connection gone: nobody takes the rest of the request. */
  gone(): void;
  /**
   * There will be no (more of the) answer.
   *
   * @param stale nothing came, on a connection that had been used before: it was being closed while we wrote
   */
  failed(error: UpstreamError, stale: boolean): void;
}
