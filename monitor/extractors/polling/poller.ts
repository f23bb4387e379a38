import type { Observation } from '../jobs/observation.ts';
import type { GetJson } from './clowder-api.ts';

/** A poller's access to Clowder, and where it reports. */
export interface PollContext {
  /** Throws once this round has made enough requests. @throws ClowderApiError, RoundOver */
  readonly get: (path: string) => Promise<unknown>;
  readonly observe: (seen: Observation) => void;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** A way of querying Clowder for its jobs. */
export interface Poller {
  /** One round. `progress` remembers what was observed. @throws ClowderApiError, RoundOver */
  round(context: PollContext): Promise<void>;
  /** State to keep across restarts. */
  readonly progress: unknown;
}

/** This round has made as many requests as it may; the next one continues. */
export class RoundOver extends Error {
  override readonly name = 'RoundOver';
  readonly code = 'round_over';
}

/** @throws RoundOver for each request beyond the limit */
export function limited(get: GetJson, maxRequests: number): GetJson {
  let asked = 0;
  return (path) => {
    asked += 1;
    return asked > maxRequests ? Promise.reject(new RoundOver()) : get(path);
  };
}
