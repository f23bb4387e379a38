/** The queue of a sink: its own, so that sinks never take messages from each other. */
export function queueName(sink: string): string {
  return `clowder.sink.${sink}`;
}

/** Where what can never be sent is put aside. */
export function deadQueueName(sink: string): string {
  return `${queueName(sink)}.dead`;
}

/** Headers that a message has in the dead-letter queue beside its own. */
export const DEAD_HEADERS = {
  /** `poison`, `rejected`, `too_large` */
  class: 'clowder_dead_class',
  reason: 'clowder_dead_reason',
  /** RFC 3339. */
  time: 'clowder_dead_time',
} as const;
/** Header of a message that was in the dead-letter queue, and is in the sink's queue again: how often that was. */
export const REPLAYED_HEADER = 'clowder_replayed';
