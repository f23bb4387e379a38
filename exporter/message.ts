import type { Options } from 'amqplib';
import type { FlatBody } from '../taxonomy/flat-body.ts';

/** A message as it goes to RabbitMQ. */
export interface EventMessage {
  /** The event's id. */
  readonly messageId: string;
  /** The event's type. */
  readonly routingKey: string;
  /** The flat body, JSON. */
  readonly content: Buffer;
  readonly options: Options.Publish;
}

/** The message of an event (docs/design.md, "RabbitMQ"): CloudEvents 1.0 in headers, the flat JSON body as content. */
export function toMessage(body: FlatBody): EventMessage {
  return build(body, Buffer.from(JSON.stringify(body)));
}

/** The same from the event's JSON text, which becomes the content as it is. */
export function toMessageFromLine(line: string): EventMessage {
  return build(JSON.parse(line) as FlatBody, Buffer.from(line));
}

function build(body: FlatBody, content: Buffer): EventMessage {
  const { event_id: messageId, event: type, created } = body;
  const instance = body['clowder_instance'];
  const headers: Record<string, string> = {
    cloudEvents_specversion: '1.0',
    cloudEvents_id: messageId,
    cloudEvents_source:
      instance === undefined
        ? `urn:clowder-otel:${String(body['source'] ?? 'unknown')}`
        : `urn:clowder:${encodeURIComponent(String(instance))}`,
    cloudEvents_type: type,
    cloudEvents_time: new Date(created).toISOString(),
    cloudEvents_dataschema: `urn:clowder-otel:schema:${type}:1`,
  };
  const [resourceType, resourceId] = [body['resource_type'], body['resource_id']];
  if (resourceType !== undefined && resourceId !== undefined)
    headers['cloudEvents_subject'] = `${String(resourceType)}/${String(resourceId)}`;
  const [trace, span] = [body['trace_id'], body['span_id']];
  if (trace !== undefined && span !== undefined) headers['traceparent'] = `00-${String(trace)}-${String(span)}-01`;
  return {
    messageId,
    routingKey: type,
    content,
    options: {
      messageId,
      type,
      timestamp: Math.floor(created / 1000),
      appId: 'clowder-otel',
      contentType: 'application/json',
      deliveryMode: 2,
      mandatory: true,
      headers,
    },
  };
}
