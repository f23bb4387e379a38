/** The client for Clowder. Other folders import only this file of the folder. */
import { UpstreamPool } from './pool.ts';
import type { Upstream, UpstreamOptions } from './upstream.ts';

export type { Answering } from './answering.ts';
export { UpstreamError } from './errors.ts';
export type { ResponseHead } from './response-head.ts';
export type { LentConnection, Upstream, Waiter } from './upstream.ts';

/** Connections to one Clowder, opened when requests need them. */
export function createUpstream(options: UpstreamOptions): Upstream {
  return new UpstreamPool(options);
}
