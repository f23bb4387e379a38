import { z, type OpenAPIHono } from '@hono/zod-openapi';
import { cloudEvent } from '../../../../taxonomy/cloud-events.ts';
import { eventJsonSchema, statedJsonSchema } from '../../../../taxonomy/json-schema.ts';
import { EVENT_TYPES } from '../../../../taxonomy/event-types.ts';
import { pageView } from '../../browser-routes.ts';
import { discardRequest, replayRequest } from '../../rejected-routes.ts';
import { ref, refusalComponents } from '../../answers.ts';

type Registry = OpenAPIHono['openAPIRegistry'];

const issue = z
  .object({
    field: z.string(),
    message: z.string(),
    received: z.string().optional().describe('What it was'),
    expected: z.string().optional().describe('What it may be'),
  })
  .openapi('Issue', { description: 'What is wrong with a field of an event' });

const refusal = z
  .object({
    index: z.int().nonnegative().describe('Place in the batch, from 0'),
    issues: z.array(issue),
  })
  .openapi('Refusal');

const check = z
  .looseObject({ ok: z.boolean(), reason: z.string().optional().describe('What is wrong and what to do') })
  .openapi('Check');

/** Schemas of what the API answers, by name; tests hold the answers against them. */
export const ANSWERS = {
  Accepted: z
    .object({
      accepted: z.int().nonnegative(),
      duplicates: z.int().nonnegative().describe('Of the accepted: known already, and not published again'),
      ids: z.array(z.string()).describe('Of the accepted, in their order'),
      rejected: z.array(refusal),
    })
    .describe('What became of the events'),
  PageViewAccepted: z.object({ id: z.string() }),
  Problem: z
    .object({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      code: z.string().describe('Stable'),
      detail: z.string().describe('What is wrong, and what to do'),
      rejected: z.array(refusal).optional().describe('With `invalid_event`: each event and why'),
    })
    .describe('RFC 9457'),
  Status: z.object({ code: z.int().optional(), message: z.string().optional() }).describe('google.rpc.Status'),
  ExportResponse: z
    .object({
      partialSuccess: z
        .record(z.string(), z.union([z.string(), z.number()]))
        .optional()
        .describe('How many records can never be accepted, and why; absent where all is well'),
    })
    .describe('OTLP export response'),
  RejectedRecords: z.object({
    rejected: z.array(
      z.object({
        id: z.int(),
        atMs: z.number().describe('When, Unix milliseconds'),
        code: z.string(),
        message: z.string(),
        record: z.string().describe('JSON text'),
        origin: z.string(),
        sender: z.string().optional().describe('Who sent it: key, service, class of address'),
      }),
    ),
  }),
  Discarded: z.object({ discarded: z.int().nonnegative() }),
  Retried: z.object({
    published: z.int().nonnegative().describe('Held no more'),
    held: z.int().nonnegative().describe('No queue takes them yet'),
  }),
  Replayed: z.object({ accepted: z.int().nonnegative(), rejected: z.int().nonnegative().describe('Still wrong') }),
  Health: z.object({ status: z.literal('ok') }),
  Readiness: z.object({
    status: z
      .enum(['ready', 'degraded', 'unavailable'])
      .describe('degraded: events are taken and wait. unavailable: producers get 503'),
    checks: z.object({
      journal: check,
      history: check.describe('Whether all that was accepted is in the journal'),
      broker: check,
      backlog: check,
      unroutable: check.describe('Events that no queue is bound for'),
      nacked: check.describe('Events that a full queue refuses'),
      unpublishable: check.describe('Events that RabbitMQ refuses as they are'),
    }),
  }),
} as const;

/** Puts the schemas and security schemes into a registry: events from the taxonomy, and what the API takes and answers. */
export function registerComponents(registry: Registry): void {
  registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  registry.registerComponent('securitySchemes', 'apiKey', { type: 'apiKey', in: 'header', name: 'X-API-Key' });
  for (const [name, schema] of Object.entries(ANSWERS)) registry.register(name, schema);
  // Made anew: the library knows only schemas that were made after it was loaded.
  registry.register('CloudEvent', z.object(cloudEvent.shape));
  registry.register('PageView', z.object(pageView.shape));
  registry.register('Replay', z.strictObject(replayRequest.shape));
  registry.register('Discard', z.strictObject(discardRequest.shape));
  for (const type of EVENT_TYPES) {
    // As at /schemas and in AsyncAPI; and what must be stated is a matter of traits, for which zod has no form.
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
