import type { Observation } from '../jobs/observation.ts';
import type { GetJson } from './clowder-api.ts';

/** What a poller needs, and whom it tells. */
export interface PollContext {
  /** Undefined where this round has asked enough. @throws ClowderApiError */
  readonly get: (path: string) => Promise<unknown>;
  readonly observe: (seen: Observation) => void;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** A way of asking Clowder for its jobs. */
export interface Poller {
  /** One round. What was observed is remembered by `progress`. @throws ClowderApiError, RoundOver */
  round(context: PollContext): Promise<void>;
  /** What is to be kept over a restart. */
  readonly progress: unknown;
}

/** This round has asked as often as it may: the rest waits for the next. */
export class RoundOver extends Error {
  override readonly name = 'RoundOver';
  readonly code = 'round_over';
}

/** @throws RoundOver from the request on that is one too many */
export function limited(get: GetJson, maxRequests: number): GetJson {
  let asked = 0;
  return (path) => {
    asked += 1;
    return asked > maxRequests ? Promise.reject(new RoundOver()) : get(path);
  };
}
