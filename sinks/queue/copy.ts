import type { ConfirmChannel, Message } from 'amqplib';

/** Headers by which a broker would do something with the copy, and of the delivery that it is no more. */
const NOT_COPIED = { CC: undefined, BCC: undefined, 'x-delivery-count': undefined };

/**
 * Publishes a message once more, straight to a queue, with all that it had and other headers; `mandatory`: where there is
 * no such queue, the channel emits `return` before the copy is confirmed.
 *
 * @param headers added to its own; undefined takes one away
 * @throws Error where the broker refuses it
 */
export function confirmedCopy(
  channel: ConfirmChannel,
  queue: string,
  { content, properties }: Message,
  headers: Readonly<Record<string, string | number | undefined>>,
): Promise<void> {
  const own = Object.entries({ ...properties.headers, ...NOT_COPIED, ...headers }).filter(
    ([, value]) => value !== undefined,
  );
  // A time to live ends here, and only a user may publish in its own name.
  const { expiration: _expiration, userId: _userId, ...kept } = properties;
  const options = { ...kept, headers: Object.fromEntries(own), persistent: true, mandatory: true };
  return new Promise((resolve, reject) => {
    channel.publish('', queue, content, options, (error: unknown) => {
      if (error === null || error === undefined) resolve();
      else reject(new Error(`the broker refused a message for ${queue}`, { cause: error }));
    });
  });
}
