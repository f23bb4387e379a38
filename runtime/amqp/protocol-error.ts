/**
 * Reply codes with which a broker may refuse a single message (AMQP 0-9-1, 1.1, and RabbitMQ's size limit): the next
 * message may pass.
 */
const OF_A_MESSAGE: ReadonlySet<unknown> = new Set([311, 406, 501, 502]);

/**
 * Whether an error that closed a channel or connection may be about what was published, rather than the broker, its
 * exchanges or the socket. Topic permissions refuse a routing key with 403, the same code as for a whole exchange: only
 * the text differs.
 */
export function mayBeOfAMessage(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return OF_A_MESSAGE.has(error.code) || topicRefusedBy(error) !== undefined;
}

/** The routing key that topic permissions refuse; undefined if the error says something else. */
export function topicRefusedBy(error: Error): string | undefined {
  if (!('code' in error) || error.code !== 403) return undefined;
  return /access to topic '([^']*)'/.exec(error.message)?.[1];
}
