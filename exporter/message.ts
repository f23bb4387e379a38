import type { Options } from 'amqplib';
import type { FlatBody } from '../taxonomy/flat-body.ts';
import { fitsShortString, SHORT_STRING_BYTES } from '../taxonomy/short-string.ts';

/** A message as it goes to RabbitMQ. */
export interface EventMessage {
  /** The event's id. */
  readonly messageId: string;
  /** The event's type. */
  readonly routingKey: string;
  /** The flat body as JSON. */
  readonly content: Buffer;
  /** The same content as text, if available. */
  readonly text?: string;
  readonly options: Options.Publish;
}

/** Builds the message for an event (docs/design.md, "RabbitMQ"): CloudEvents 1.0 in headers, the flat JSON body as content. */
export function toMessage(body: FlatBody): EventMessage {
  const { messageId, routingKey, content, options } = new TextMessage(body, JSON.stringify(body));
  return { messageId, routingKey, content, options };
}

/**
 * Builds the message from the event's JSON text, which becomes the content unchanged.
 *
 * @throws SyntaxError if the text is not JSON
 */
export function toMessageFromLine(line: string): EventMessage {
  return new TextMessage(JSON.parse(line) as FlatBody, line);
}

/** Encodes the content only on demand: writing the text into a frame does not need it. */
class TextMessage implements EventMessage {
  readonly messageId: string;
  readonly routingKey: string;
  readonly options: Options.Publish;
  readonly text: string;

  constructor(body: FlatBody, json: string) {
    this.messageId = text(body.event_id);
    this.routingKey = text(body.event);
    this.options = optionsOf(body, this.messageId, this.routingKey);
    this.text = json;
  }

  get content(): Buffer {
    return Buffer.from(this.text);
  }
}

/**
 * Tells why no broker could accept a message, as far as that is known without asking one.
 *
 * @returns undefined if the message has no such fault
 */
export function faultOf(message: EventMessage): string | undefined {
  for (const { name, field } of SHORT_STRINGS) {
    const value = message[field];
    if (!fitsShortString(value))
      return `Its ${name} takes ${Buffer.byteLength(value)} bytes in UTF-8; AMQP allows ${SHORT_STRING_BYTES}`;
  }
  return undefined;
}

const SHORT_STRINGS = [
  { name: 'event id', field: 'messageId' },
  { name: 'type', field: 'routingKey' },
] as const;

/** The value as text that UTF-8 can carry: half a surrogate pair becomes U+FFFD, as in the encoder. */
const text = (value: unknown): string => String(value).toWellFormed();

function optionsOf(body: FlatBody, messageId: string, type: string): Options.Publish {
  const created = new Date(body.created);
  const isDated = created.getTime() >= 0;
  const headers: Record<string, string> = {
    cloudEvents_specversion: '1.0',
    cloudEvents_id: messageId,
    cloudEvents_source: sourceOf(body),
    cloudEvents_type: type,
  };
  if (isDated) headers['cloudEvents_time'] = created.toISOString();
  headers['cloudEvents_dataschema'] = `urn:clowder-otel:schema:${type}:1`;
  const [resourceType, resourceId] = [body['resource_type'], body['resource_id']];
  if (resourceType !== undefined && resourceId !== undefined)
    headers['cloudEvents_subject'] = `${text(resourceType)}/${text(resourceId)}`;
  const [trace, span] = [body['trace_id'], body['span_id']];
  if (trace !== undefined && span !== undefined) headers['traceparent'] = `00-${text(trace)}-${text(span)}-01`;
  const options: Options.Publish = {
    messageId,
    type,
    appId: 'clowder-otel',
    contentType: 'application/json',
    deliveryMode: 2,
    mandatory: true,
    headers,
  };
  if (isDated) options.timestamp = Math.floor(created.getTime() / 1000);
  return options;
}

function sourceOf(body: FlatBody): string {
  const instance = body['clowder_instance'];
  return instance === undefined
    ? `urn:clowder-otel:${text(body['source'] ?? 'unknown')}`
    : `urn:clowder:${encodeURIComponent(text(instance))}`;
}
