/** What became of a batch that was sent. */
export type SendOutcome =
  | { readonly kind: 'accepted' }
  /** Some were refused for good, by id with the reason, and some (in the order they came) have to be sent again: after `afterMs`, where 0 is at once if some were refused; all others were accepted. */
  | {
      readonly kind: 'partial';
      readonly rejected: ReadonlyMap<string, string>;
      readonly again?: readonly string[];
      readonly afterMs?: number;
    }
  /** Nothing was accepted, or nobody knows: send the same again, not before `afterMs` where the service said so. */
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs?: number }
  /** The batch is too large: halves of it may pass. One event that is too large alone is refused for good. */
  | { readonly kind: 'too_large'; readonly reason: string }
  /** The batch is refused for good, and the service does not say which event is to blame: halves of it tell. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** The service does not know us (key, address, database): the events are kept, nothing is refused, an operator is needed. */
  | { readonly kind: 'misconfigured'; readonly reason: string };
