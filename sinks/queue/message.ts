/** A message as it came out of a sink's queue. */
export interface QueueMessage {
  /** Of the delivery, on its link. */
  readonly tag: number;
  /** `message_id`; '' for none. */
  readonly id: string;
  readonly content: Uint8Array;
  /** It was in the dead-letter queue and is here again because somebody wanted it: it is sent whatever is known of its id. */
  readonly replayed: boolean;
}

/** Why a message is put aside. */
export const DEAD_CLASSES = ['poison', 'rejected', 'too_large'] as const;
export type DeadClass = (typeof DEAD_CLASSES)[number];

export interface DeadReason {
  readonly class: DeadClass;
  readonly reason: string;
}

/** One connection to the queue, from its beginning to its end; what came on it can be settled on it alone. */
export interface QueueLink {
  /** @param multiple together with all that came before it */
  ack(tag: number, multiple: boolean): void;
  /**
   * Copies a message to the sink's dead-letter queue, with the reason. That takes as long as the broker does not take it.
   *
   * @throws Error where the link is at its end before that
   */
  bury(message: QueueMessage, why: DeadReason): Promise<void>;
}
