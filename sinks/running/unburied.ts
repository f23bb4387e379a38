import type { Unburied } from '../queue/dead-letter-writer.ts';
import { deadQueueName, queueName } from '../queue/names.ts';

/** Text for people: which messages RabbitMQ does not accept into a sink's dead-letter queue, and what to do. */
export function sayUnburied(sink: string, { messages, reason }: Unburied): string {
  return `RabbitMQ does not take ${messages} messages into ${deadQueueName(sink)} (${reason}): they stay in ${queueName(sink)} and are tried again, others go on. Make room in the dead-letter queue (sink dead, sink replay), or let the user write to the default exchange`;
}
