/** Reply codes by which a broker may refuse one message (AMQP 0-9-1, 1.1, and RabbitMQ's size limit): the next may be right. */
const OF_A_MESSAGE: ReadonlySet<unknown> = new Set([311, 406, 501, 502]);

/**
 * Whether an error that closed a channel or a connection may be about what was published, and not about the broker, its
 * exchanges or the socket. A routing key is refused by topic permissions with 403, as a whole exchange is: only the text
 * tells them apart.
 */
export function mayBeOfAMessage(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return OF_A_MESSAGE.has(error.code) || topicRefusedBy(error) !== undefined;
}

/** The routing key that topic permissions refuse; undefined if that is not what the error says. */
export function topicRefusedBy(error: Error): string | undefined {
  if (!('code' in error) || error.code !== 403) return undefined;
  return /access to topic '([^']*)'/.exec(error.message)?.[1];
}
