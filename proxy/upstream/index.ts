/** The one way in: the client towards Clowder. Nothing else of this folder is imported from outside. */
import { UpstreamPool } from './pool.ts';
import type { Upstream, UpstreamOptions } from './upstream.ts';

export type { Answering } from './answering.ts';
export { UpstreamError } from './errors.ts';
export type { ResponseHead } from './response-head.ts';
export type { LentConnection, Upstream, Waiter } from './upstream.ts';

/** Connections to one Clowder; they are opened when requests need them. */
export function createUpstream(options: UpstreamOptions): Upstream {
  return new UpstreamPool(options);
}
