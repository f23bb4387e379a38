import { eventJsonSchema } from '../../../taxonomy/json-schema.ts';
import { EVENT_TYPES } from '../../../taxonomy/event-types.ts';

/** AsyncAPI 3.0 document of the published messages (amqp binding 0.3.0). */
export function asyncApiDocument(version: string): object {
  const exchange = (name: string, type: string) => ({
    amqp: {
      is: 'routingKey',
      exchange: { name, type, durable: true, autoDelete: false, vhost: '/' },
      bindingVersion: '0.3.0',
    },
  });
  const messages = Object.fromEntries(EVENT_TYPES.map((type) => [type, { $ref: `#/components/messages/${type}` }]));
  return {
    asyncapi: '3.0.0',
    info: { title: 'clowder-otel events on RabbitMQ', version },
    channels: {
      ...Object.fromEntries(
        EVENT_TYPES.map((type) => [
          type,
          { address: type, messages: { [type]: messages[type] }, bindings: exchange('clowder.events', 'topic') },
        ]),
      ),
      metrics: {
        address: null,
        description: 'Every event, for the consumers of Clowder v1',
        messages,
        bindings: exchange('clowder.metrics', 'fanout'),
      },
    },
    operations: Object.fromEntries(
      EVENT_TYPES.map((type) => [
        `publish.${type}`,
        {
          action: 'send',
          channel: { $ref: `#/channels/${type}` },
          bindings: { amqp: { deliveryMode: 2, mandatory: true, bindingVersion: '0.3.0' } },
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        EVENT_TYPES.map((type) => [
          type,
          {
            name: type,
            contentType: 'application/json',
            payload: eventJsonSchema(type),
            bindings: { amqp: { messageType: type, bindingVersion: '0.3.0' } },
          },
        ]),
      ),
    },
  };
}
