/** What became of a batch that was sent. */
export type SendOutcome =
  | { readonly kind: 'accepted' }
  /**
   * Some were refused for good, by id with the reason, and some (in their order) must be sent again after `afterMs`,
   * where 0 means at once if some were refused. All others were accepted.
   */
  | {
      readonly kind: 'partial';
      readonly rejected: ReadonlyMap<string, string>;
      readonly again?: readonly string[];
      readonly afterMs?: number;
    }
  /**
   * Nothing was accepted, or that is unknown: send the same batch again, not before `afterMs` if the service said so.
   */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** The batch is too large, but halves of it may pass. A single event that is too large is refused for good. */
  | { readonly kind: 'too_large'; readonly reason: string }
  /** The batch is refused for good, and the service does not say which event is to blame: halving finds out. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /**
   * The service refuses our key, address or database: an operator must act. The events are kept, and none is refused.
   */
  | { readonly kind: 'misconfigured'; readonly reason: string };
