import { z } from 'zod';

/** The parts of a field's JSON Schema that are read. */
export interface FieldSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly FieldSchema[];
  readonly maxLength?: number;
  readonly description?: string;
}

export interface ObjectSchema {
  readonly properties: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly description?: string;
}

/** The fields that a stated event must have, by schema or traits; without those that the collector fills. */
export function requirements(
  schema: ObjectSchema,
  stated: readonly (readonly string[])[],
): ReadonlyMap<string, string> {
  const filled = new Set(['event', 'event_id', 'created']);
  const required = new Map<string, string>();
  for (const name of schema.required ?? []) if (!filled.has(name)) required.set(name, 'yes');
  for (const group of stated) for (const name of group) required.set(name, group.length === 1 ? 'yes' : 'one of');
  return required;
}

/** JSON Schema of an event type or a part of one. */
export function objectSchema(schema: z.ZodType): ObjectSchema {
  return z.toJSONSchema(schema, { target: 'draft-2020-12' }) as unknown as ObjectSchema;
}
