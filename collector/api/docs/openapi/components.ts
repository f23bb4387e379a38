import { z, type OpenAPIHono } from '@hono/zod-openapi';
import { cloudEvent } from '../../../../taxonomy/cloud-events.ts';
import { eventJsonSchema, statedJsonSchema } from '../../../../taxonomy/json-schema.ts';
import { EVENT_TYPES } from '../../../../taxonomy/event-types.ts';
import { pageView } from '../../browser-routes.ts';
import { deadReplayRequest } from '../../dead-letter-routes.ts';
import { discardRequest, replayRequest } from '../../rejected-routes.ts';
import { ANSWERS } from '../../answer-schemas.ts';
import { ref, refusalComponents } from '../../answers.ts';

type Registry = OpenAPIHono['openAPIRegistry'];

/** Registers the security schemes, and the schemas of events, requests and answers. */
export function registerComponents(registry: Registry): void {
  registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  registry.registerComponent('securitySchemes', 'apiKey', { type: 'apiKey', in: 'header', name: 'X-API-Key' });
  for (const [name, schema] of Object.entries(ANSWERS)) registry.register(name, schema);
  // Made again here, because the library knows only schemas that were made after it was loaded.
  registry.register('CloudEvent', z.object(cloudEvent.shape));
  registry.register('PageView', z.object(pageView.shape));
  registry.register('Replay', z.strictObject(replayRequest.shape));
  registry.register('Discard', z.strictObject(discardRequest.shape));
  registry.register('DeadReplay', z.strictObject(deadReplayRequest.shape));
  for (const type of EVENT_TYPES) {
    // The same JSON Schema as at /schemas and in AsyncAPI. zod cannot express that traits decide which fields are required.
    const { $schema: _schema, $id: _id, ...published } = eventJsonSchema(type);
    registry.registerComponent('schemas', type, published);
    registry.registerComponent('schemas', `${type}.posted`, statedJsonSchema(type));
  }
  for (const [name, component] of refusalComponents()) registry.registerComponent('responses', name, component);
  registry.registerComponent('schemas', 'Event', oneOfTypes('An event as it is journaled and published', ''));
  registry.registerComponent('schemas', 'PostedEvent', oneOfTypes('An event as it is posted', '.posted'));
}

function oneOfTypes(description: string, suffix: string) {
  return {
    description,
    oneOf: EVENT_TYPES.map((type) => ref(type + suffix)),
    discriminator: {
      propertyName: 'event',
      mapping: Object.fromEntries(EVENT_TYPES.map((type) => [type, ref(type + suffix).$ref])),
    },
  };
}
