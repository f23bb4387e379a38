import type { Message, Options } from 'amqplib';
import type { EventMessage } from '../../exporter/message.ts';
import { cutToShortString } from '../../taxonomy/short-string.ts';

type Headers = Readonly<Record<string, string | number | undefined>>;

/** Headers by which a broker would do something with the copy, and of the delivery that it is no more. */
const NOT_COPIED = { CC: undefined, BCC: undefined, 'x-delivery-count': undefined };

/**
 * The copy of a message that goes straight to a queue, with all that it had and other headers.
 *
 * @param headers added to its own; undefined takes one away
 */
export function copyOf({ content, properties }: Message, queue: string, headers: Headers): EventMessage {
  // A time to live ends here, and only a user may publish in its own name.
  const { expiration: _expiration, userId: _userId, headers: own, ...kept } = properties;
  return copyTo(queue, content, { ...fitting(kept), headers: { ...own, ...NOT_COPIED, ...headers } });
}

/** The copy of a message of which a broker does not take all: what an event needs, and these headers alone. */
export function leanCopyOf({ content, properties }: Message, queue: string, headers: Headers): EventMessage {
  const { messageId, type, timestamp, contentType } = properties;
  return copyTo(queue, content, { ...fitting({ messageId, type, timestamp, contentType }), headers });
}

function copyTo(queue: string, content: Buffer, options: Options.Publish): EventMessage {
  const headers = Object.fromEntries(
    Object.entries(options.headers as Headers).filter(([, value]) => value !== undefined),
  );
  return {
    messageId: options.messageId ?? '',
    routingKey: queue,
    content,
    options: { ...options, headers, persistent: true, mandatory: true },
  };
}

/** Properties are short strings; read as UTF-8, those of others may have become longer than one may be. */
const fitting = (properties: Readonly<Record<string, unknown>>): Options.Publish =>
  Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? cutToShortString(value) : value]),
  );
