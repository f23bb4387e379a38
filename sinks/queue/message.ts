/** A message from a sink's queue. */
export interface QueueMessage {
  /** The delivery tag on its link. */
  readonly tag: number;
  /** `message_id`; '' for none. */
  readonly id: string;
  readonly content: Uint8Array;
  /** It was replayed from the dead-letter queue: it is sent even if its id is already known. */
  readonly replayed: boolean;
}

/** Why a message was buried. */
export const DEAD_CLASSES = ['poison', 'rejected', 'too_large'] as const;
export type DeadClass = (typeof DEAD_CLASSES)[number];

export interface DeadReason {
  readonly class: DeadClass;
  readonly reason: string;
}

/** One connection to the queue. Messages can be settled only on the link that delivered them. */
export interface QueueLink {
  /** @param multiple also acknowledge everything before it */
  ack(tag: number, multiple: boolean): void;
  /**
   * Copies a message to the sink's dead-letter queue, with the reason. It waits until the broker has accepted the copy.
   *
   * @throws Error if the link ends first
   */
  bury(message: QueueMessage, why: DeadReason): Promise<void>;
}
