import { z } from 'zod';
import { eventSchemas, eventTraits, type EventType, type StatedField } from './event-types.ts';

type JsonSchema = Record<string, unknown>;

/** Fields that the collector fills; senders of stated events need not, or cannot, provide them. */
const FILLED = new Set(['client_id', 'recovered']);

/** Returns the stable name of an event type's schema, as in the message header `cloudEvents_dataschema`. */
function schemaId(type: EventType): string {
  return `urn:clowder-otel:schema:${type}:1`;
}

/** Returns the JSON Schema (draft 2020-12) of an event as it is published. */
export function eventJsonSchema(type: EventType): JsonSchema {
  const schema = z.toJSONSchema(eventSchemas[type], { target: 'draft-2020-12' }) as JsonSchema;
  return { ...schema, $id: schemaId(type), title: type, additionalProperties: true };
}

/** Returns the JSON Schema of an event as it is posted: id and time are optional, but it must identify its resource. */
export function statedJsonSchema(type: EventType): JsonSchema {
  const { properties, required } = z.toJSONSchema(eventSchemas[type], { target: 'draft-2020-12' }) as {
    properties: JsonSchema;
    required: string[];
  };
  const groups = eventTraits[type].stated;
  const single = groups.flatMap((group) => (group.length === 1 ? group : []));
  const choices = groups
    .filter((group) => group.length > 1)
    .map((group) => ({ anyOf: group.map((field) => ({ required: [field] })) }));
  return {
    type: 'object',
    description: eventSchemas[type].description,
    properties: Object.fromEntries(Object.entries(properties).filter(([field]) => !FILLED.has(field))),
    required: [...new Set([...required.filter((field) => field !== 'event_id' && field !== 'created'), ...single])],
    ...(choices.length > 0 && { allOf: choices }),
    additionalProperties: false,
  };
}

/** An example for each required field. */
const EXAMPLES: Readonly<Record<string, string | number | boolean>> = {
  file_id: '5f1e00000000000000000001',
  resource_id: '5f1e00000000000000000002',
  resource_type: 'dataset',
  user_id: '5f1e00000000000000000003',
  user_name: 'Ada Lovelace',
  dataset_id: '5f1e00000000000000000002',
  job_id: '5f1e00000000000000000004',
  view_id: '0b6e7c1f4d5a4b0e8f3c2a1d9e8b7c6a',
  url: 'https://clowder.example/datasets/5f1e00000000000000000002',
  target: 'https://clowder.example/healthz',
  healthy: true,
  window_start: 1_790_000_000_000,
  window_end: 1_790_000_060_000,
  requests: 12,
} satisfies Readonly<Record<Exclude<StatedField, 'event' | 'event_id' | 'created'>, string | number | boolean>>;

/** Returns an example of an event to post. */
export function statedExample(type: EventType): Record<string, unknown> {
  const { required, allOf = [] } = statedJsonSchema(type) as {
    required: string[];
    allOf?: { anyOf: { required: string[] }[] }[];
  };
  const fields = [
    ...required.filter((field) => field !== 'event'),
    ...allOf.flatMap((choice) => choice.anyOf[0]?.required ?? []),
  ];
  return { event: type, ...Object.fromEntries(fields.map((field) => [field, EXAMPLES[field]])) };
}
