/** Name of a sink's queue. Each sink has its own, so that sinks never take each other's messages. */
export function queueName(sink: string): string {
  return `clowder.sink.${sink}`;
}

/** Name of the queue for messages that can never be sent. */
export function deadQueueName(sink: string): string {
  return `${queueName(sink)}.dead`;
}

/** Headers that a message gets in the dead-letter queue. */
export const DEAD_HEADERS = {
  /** `poison`, `rejected`, `too_large` */
  class: 'clowder_dead_class',
  reason: 'clowder_dead_reason',
  /** RFC 3339. */
  time: 'clowder_dead_time',
} as const;
/** Header of a replayed message: how often it has been in the dead-letter queue. */
export const REPLAYED_HEADER = 'clowder_replayed';
