import type { CapturedAttributes, CapturedEvent, RequestHead } from '../capture/types.ts';
import type { EnrichmentStats } from './stats.ts';

/** Hands the events of a request on, in their order. */
export type Leave = (events: readonly CapturedEvent[]) => void;

/** Adds to events what Clowder itself knows of them. The requests that they are of do not wait for it. */
export interface Enricher {
  readonly stats: EnrichmentStats;
  /**
   * @param head of the request, which Clowder answered with success
   * @param leave called once: in this tick if nothing is lacking or all of it is known, otherwise when it is, or
   *   when the time is over
   */
  enrich(head: RequestHead, events: readonly CapturedEvent[], leave: Leave): void;
  /**
   * Who makes the request, if that is known already, for its span.
   *
   * @param there what the span has
   */
  spanAttributes(head: RequestHead, there: CapturedAttributes): CapturedAttributes | undefined;
  /** Lets everything that waits leave, as it is. */
  release(): void;
}
