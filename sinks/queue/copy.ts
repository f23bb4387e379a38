import type { Message, Options } from 'amqplib';
import type { EventMessage } from '../../exporter/message.ts';
import { cutToShortString } from '../../taxonomy/short-string.ts';

type Headers = Readonly<Record<string, string | number | undefined>>;

/** Headers that would make a broker route the copy elsewhere, or that belong to the old delivery. */
const NOT_COPIED = { CC: undefined, BCC: undefined, 'x-delivery-count': undefined };

/**
 * Returns a copy of a message that goes directly to a queue, with its properties and changed headers.
 *
 * @param headers added to the message's own; undefined removes one
 */
export function copyOf({ content, properties }: Message, queue: string, headers: Headers): EventMessage {
  // The time to live does not apply to the copy, and a user may publish only in its own name.
  const { expiration: _expiration, userId: _userId, headers: own, ...kept } = properties;
  return copyTo(queue, content, { ...fitting(kept), headers: { ...own, ...NOT_COPIED, ...headers } });
}

/**
 * Returns a reduced copy of a message that a broker does not accept in full: the properties that an event needs, and only these
 * headers.
 */
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

/** Cuts properties to fit: they are short strings, and others' may have grown when read as UTF-8. */
const fitting = (properties: Readonly<Record<string, unknown>>): Options.Publish =>
  Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, typeof value === 'string' ? cutToShortString(value) : value]),
  );
