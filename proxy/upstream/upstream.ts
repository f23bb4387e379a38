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
  /** In milliseconds; 0 for none. */
  readonly connectTimeoutMs: number;
  /** From the end of the request to the head of the answer. */
  readonly firstByteTimeoutMs: number;
  /** While a request or an answer is under way. */
  readonly idleTimeoutMs: number;
  /** More requests than this wait for a connection to be free; 0 for no limit. */
  readonly maxConnections: number;
  /** How long a free connection is kept, unless Clowder says that it keeps it for less. */
  readonly keepAliveMs: number;
  /** Told of bytes that belong to no answer. */
  readonly onExcess: () => void;
}

/** A connection as the request that has it may use it. */
export interface LentConnection {
  /** Takes the connection for one exchange and writes its head; the body follows by `write`, then `requestDone`. */
  begin(answering: Answering, method: string, head: string, options: { body: boolean; upgrade: boolean }): void;
  /** Whether the request can still be written to. */
  readonly takesMore: boolean;
  /** @returns false if the caller should wait for `drain` */
  write(data: Uint8Array | string): boolean;
  /** A piece of a chunked body. @returns as `write` */
  writeChunk(data: Uint8Array): boolean;
  requestDone(): void;
  pause(answering: Answering): void;
  resume(answering: Answering): void;
  /** The answer may be silent for as long as it likes. */
  unlimited(): void;
  /** Ends the connection if it is still that one's. */
  abandon(answering: Answering): void;
  /** Gives away the socket of a connection that has switched; nothing here listens to it any more. */
  detach(): Socket;
}

/** A request that needs a connection. */
export interface Waiter {
  /** It has one: at once, or later where all are in use. */
  connected(connection: LentConnection): void;
  failed(error: UpstreamError, stale: boolean): void;
}

/** Connections to Clowder, for one request each at a time. */
export interface Upstream {
  /** Connections that are open or being opened. */
  readonly size: number;
  /** @param fresh never one that was used before */
  acquire(waiter: Waiter, fresh: boolean): void;
  /** It needs no connection any more. */
  cancel(waiter: Waiter): void;
  /** Whether Clowder takes connections; resolves with the reason if it does not. */
  probe(): Promise<string | undefined>;
  /** Ends the free connections now, and the others when they are free. */
  close(): void;
}
