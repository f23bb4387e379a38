import type { CapturedAttributes, CapturedEvent, RequestHead } from '../capture/types.ts';
import type { EnrichmentStats } from './stats.ts';

/** Passes on a request's events, in their order. */
export type Leave = (events: readonly CapturedEvent[]) => void;

/** Adds what Clowder itself knows to events. Requests never wait for it. */
export interface Enricher {
  readonly stats: EnrichmentStats;
  /**
   * @param head of the request, which Clowder answered with success
   * @param leave called once: within this call if nothing has to be looked up, otherwise when the events are complete or their
   *   time is up
   */
  enrich(head: RequestHead, events: readonly CapturedEvent[], leave: Leave): void;
  /**
   * The request's user, for its span, if already known.
   *
   * @param there the span's attributes
   */
  spanAttributes(head: RequestHead, there: CapturedAttributes): CapturedAttributes | undefined;
  /** Lets all waiting events leave as they are. */
  release(): void;
}
