import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Answering } from './answering.ts';
import type { UpstreamError } from './errors.ts';

export interface UpstreamOptions {
  readonly host: string;
  readonly port: number;
  /** For https; undefined for http. */
  readonly tls: Pick<ConnectionOptions, 'ca' | 'rejectUnauthorized'> | undefined;
  readonly maxHeadBytes: number;
  /** In milliseconds, like the other time-outs; 0 for none. */
  readonly connectTimeoutMs: number;
  /** From the end of the request to the head of the answer. */
  readonly firstByteTimeoutMs: number;
  /** While a request or an answer is under way. */
  readonly idleTimeoutMs: number;
  /** Requests beyond this number wait for a free connection; 0 for no limit. */
  readonly maxConnections: number;
  /** How long a free connection is kept, unless Clowder announces less. */
  readonly keepAliveMs: number;
  /** Called when bytes arrive that belong to no answer. */
  readonly onExcess: () => void;
}

/** A connection as the request that holds it may use it. */
export interface LentConnection {
  /**
   * Takes the connection for one exchange and writes the request's head. Send the body with `write`, then call `requestDone`.
   */
  begin(answering: Answering, method: string, head: string, options: { body: boolean; upgrade: boolean }): void;
  /** Whether more of the request can be written. */
  readonly takesMore: boolean;
  /** @returns false if the caller should wait for `drain` */
  write(data: Uint8Array | string): boolean;
  /** A piece of a chunked body. @returns as `write` */
  writeChunk(data: Uint8Array): boolean;
  requestDone(): void;
  pause(answering: Answering): void;
  resume(answering: Answering): void;
  /** The answer may be silent for any time. */
  unlimited(): void;
  /** Ends the connection if it still belongs to that exchange. */
  abandon(answering: Answering): void;
  /** Gives away the socket of a connection that has switched protocols; its listeners are removed. */
  detach(): Socket;
}

/** A request that needs a connection. */
export interface Waiter {
  /** The request has a connection. Called at once, or later if all are in use. */
  connected(connection: LentConnection): void;
  failed(error: UpstreamError, stale: boolean): void;
}

/** Connections to Clowder, each for one request at a time. */
export interface Upstream {
  /** Connections that are open or being opened. */
  readonly size: number;
  /** @param fresh whether to use only a new connection */
  acquire(waiter: Waiter, fresh: boolean): void;
  /** The request no longer needs a connection. */
  cancel(waiter: Waiter): void;
  /** Checks whether Clowder accepts connections; resolves with the reason if it does not. */
  probe(): Promise<string | undefined>;
  /** Ends the free connections now, and the others once they are free. */
  close(): void;
}
