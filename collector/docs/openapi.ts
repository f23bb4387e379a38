import { z } from 'zod';
import { eventJsonSchema, statedExample, statedJsonSchema } from '../../taxonomy/json-schema.ts';
import { EVENT_TYPES, eventSchemas, type EventType } from '../../taxonomy/event-types.ts';
import { historyQuery } from '../api/history-route.ts';

const SECURITY = [{ bearer: [] }, { apiKey: [] }];

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: object, more: object = {}) => ({ content: { 'application/json': { schema, ...more } } });
const problemOf = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: ref('Problem') } },
});

const REFUSALS = {
  400: problemOf('The body is not JSON'),
  401: problemOf('No key, or one that is unknown or revoked'),
  403: problemOf('The key has another scope'),
  413: problemOf('More than 1,000 events, or 4 MiB'),
  415: problemOf('Another Content-Type'),
  422: problemOf('No event was accepted; `rejected` says why'),
  429: problemOf('Too many requests: see Retry-After'),
  503: problemOf('The journal cannot take it now: see Retry-After'),
};

const ACCEPTED = { description: 'Journaled: it will not be lost', ...json(ref('Accepted')) };

const IDEMPOTENCY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', minLength: 1 },
  description: 'The same key gives the same event ids, so that a repeated request is accepted once',
};

function postOf(type: EventType): object {
  return {
    post: {
      operationId: `post_${type.replace('.', '_')}`,
      tags: ['events by type'],
      summary: eventSchemas[type].description,
      security: SECURITY,
      parameters: [IDEMPOTENCY],
      requestBody: { required: true, ...json(ref(`${type}.posted`), { example: statedExample(type) }) },
      responses: { 202: ACCEPTED, ...REFUSALS },
    },
  };
}

function queryParameters(): object[] {
  const schema = z.toJSONSchema(historyQuery, { io: 'input', target: 'draft-2020-12' }) as {
    properties: Record<string, { description?: string }>;
  };
  return Object.entries(schema.properties).map(([name, { description = '', ...rest }]) => ({
    name,
    in: 'query',
    required: false,
    schema: rest,
    description,
  }));
}

/** OpenAPI 3.1 of the events API; the schemas are those of the taxonomy. */
export function openApiDocument(version: string): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'clowder-otel collector',
      version,
      description:
        'Takes events of Clowder and what belongs to it. A 202 means that the event is on disk and will reach RabbitMQ.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'events' }, { name: 'events by type' }],
    paths: {
      '/api/v1/events': {
        post: {
          operationId: 'post_events',
          tags: ['events'],
          summary: 'Post one event, or up to 1,000',
          security: SECURITY,
          parameters: [IDEMPOTENCY],
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: { oneOf: [ref('PostedEvent'), { type: 'array', maxItems: 1000, items: ref('PostedEvent') }] },
                example: statedExample('file.uploaded'),
              },
              'application/cloudevents+json': { schema: ref('CloudEvent') },
              'application/cloudevents-batch+json': {
                schema: { type: 'array', maxItems: 1000, items: ref('CloudEvent') },
              },
            },
          },
          responses: { 202: ACCEPTED, ...REFUSALS },
        },
        get: {
          operationId: 'list_events',
          tags: ['events'],
          summary: 'History of the journal: JSON, NDJSON or CSV',
          security: SECURITY,
          parameters: queryParameters(),
          responses: {
            200: {
              description: 'A page',
              ...json({
                type: 'object',
                properties: { events: { type: 'array', items: { type: 'object' } }, next: { type: 'string' } },
              }),
            },
            401: REFUSALS[401],
            403: REFUSALS[403],
          },
        },
      },
      '/api/v1/events/stream': {
        get: {
          operationId: 'stream_events',
          tags: ['events'],
          summary: 'Events as they are accepted (server-sent events)',
          security: SECURITY,
          parameters: [{ name: 'type', in: 'query', required: false, schema: { type: 'string' } }],
          responses: {
            200: { description: 'A stream', content: { 'text/event-stream': { schema: { type: 'string' } } } },
          },
        },
      },
      ...Object.fromEntries(EVENT_TYPES.map((type) => [`/api/v1/events/${type}`, postOf(type)])),
    },
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: {
        PostedEvent: {
          oneOf: EVENT_TYPES.map((type) => ref(`${type}.posted`)),
          discriminator: { propertyName: 'event' },
        },
        CloudEvent: {
          type: 'object',
          required: ['specversion', 'id', 'source', 'type'],
          properties: {
            specversion: { const: '1.0' },
            id: { type: 'string' },
            source: { type: 'string' },
            type: { type: 'string' },
            time: { type: 'string', format: 'date-time' },
            subject: { type: 'string' },
            data: { type: 'object' },
          },
        },
        Accepted: {
          type: 'object',
          properties: {
            accepted: { type: 'integer' },
            duplicates: { type: 'integer' },
            ids: { type: 'array', items: { type: 'string' } },
            rejected: { type: 'array', items: ref('Rejected') },
          },
        },
        Rejected: {
          type: 'object',
          properties: { index: { type: 'integer' }, issues: { type: 'array', items: ref('Issue') } },
        },
        Issue: {
          type: 'object',
          properties: {
            field: { type: 'string' },
            message: { type: 'string' },
            received: { type: 'string' },
            expected: { type: 'string' },
          },
        },
        Problem: {
          type: 'object',
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string' },
            detail: { type: 'string' },
          },
        },
        ...Object.fromEntries(EVENT_TYPES.map((type) => [`${type}.posted`, statedJsonSchema(type)])),
      },
    },
  };
}

/** AsyncAPI 3.0 of what is published (amqp binding 0.3.0). */
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
        address: '',
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
