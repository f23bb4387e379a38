import type { DeliveryState } from '../delivery/delivery.ts';

import type { Unburied } from '../queue/dead-letter-writer.ts';

export interface SinkReadiness {
  readonly ok: boolean;
  /** What is wrong and what to do; absent if all is well. */
  readonly reason?: string;
}

/** The backlog at the last look. */
export interface Backlog {
  readonly events: number;
  readonly dead: number;
  readonly atMs: number;
  /** Accepted since the process started. */
  readonly accepted: number;
}

/** The visible state of a running sink. */
export interface WatchedSink {
  readonly name: string;
  readonly backlog: Backlog | undefined;
  readonly readiness: SinkReadiness;
  readonly delivery: { readonly state: Pick<DeliveryState, 'oldestCreatedMs' | 'circuit'> };
  readonly consumer: { readonly state: { readonly connected: boolean; readonly unburied: Unburied | undefined } };
}
