import { z } from 'zod';
import { cloudEventId } from './event-id.ts';
import { eventSchemas, eventTraits, isEventType } from './event-types.ts';
import { cut } from './text.ts';

/** The envelope of a CloudEvent in structured mode; `data` or `data_base64` holds the event's fields. */
export const cloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(128),
  source: z.string().min(1),
  type: z.string().min(1),
  time: z.iso.datetime({ offset: true }).optional(),
  subject: z.string().optional().describe('TYPE/ID of the resource that the event is about'),
  data: z.record(z.string(), z.unknown()).optional(),
  data_base64: z.string().optional().describe('The same as `data`, a JSON object, in base64'),
});

interface EnvelopeIssue {
  readonly field: string;
  readonly message: string;
}

type Converted = { ok: true; event: Record<string, unknown> } | { ok: false; issues: readonly EnvelopeIssue[] };

const refuse = (field: string, message: string): Converted => ({ ok: false, issues: [{ field, message }] });

/**
 * Turns a CloudEvent in structured mode (CloudEvents 1.0, JSON format) into a stated event. An attribute that is null counts as
 * unset (section 2.2 there).
 *
 * @returns the stated event, or what is wrong with the envelope
 */
export function fromCloudEvent(value: unknown): Converted {
  const parsed = cloudEvent.safeParse(withoutNulls(value));
  if (!parsed.success)
    return {
      ok: false,
      issues: parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
    };
  const { id, source, time, subject, data_base64: encoded } = parsed.data;
  let { data } = parsed.data;
  if (encoded !== undefined) {
    if (data !== undefined) return refuse('data_base64', 'must not be there beside data');
    data = decoded(encoded);
    if (data === undefined) return refuse('data_base64', 'must be base64 of a JSON object');
  }
  const type = parsed.data.type.replace(/^(?:org\.clowderframework\.|clowder\.)/, '');
  const named = resourceOf(type, subject);
  if (named === undefined)
    return refuse('subject', `must be TYPE/ID of the resource of ${cut(type, 100)}, was "${cut(subject ?? '', 100)}"`);
  const fields = withoutNulls(data);
  return {
    ok: true,
    event: {
      event_id: cloudEventId(source, id),
      ...(time !== undefined && { created: Date.parse(time) }),
      ...(fields?.['resource_id'] === undefined && named),
      ...fields,
      event: type,
    },
  };
}

function withoutNulls<T>(value: T): T;
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}

function decoded(encoded: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the resource that a subject names, {} if there is no subject; undefined if the event cannot be about such a resource.
 */
function resourceOf(type: string, subject: string | undefined): Record<string, string> | undefined {
  if (subject === undefined || !isEventType(type)) return {};
  const [, resourceType = '', id = ''] = /^([a-z]+)\/([^/]+)$/.exec(subject) ?? [];
  if (id === '' || !resourceTypes(type).includes(resourceType)) return undefined;
  // An extraction names its resource by `file_id` or `dataset_id`.
  return type.startsWith('extraction.')
    ? { [`${resourceType}_id`]: id }
    : { resource_type: resourceType, resource_id: id };
}

/** The types of resource that an event of this type may be about. */
function resourceTypes(type: keyof typeof eventSchemas): readonly string[] {
  const { resource } = eventTraits[type];
  if (resource !== undefined) return [resource.type];
  if (type.startsWith('extraction.')) return ['file', 'dataset'];
  const named: unknown = eventSchemas[type].shape.resource_type;
  return named instanceof z.ZodEnum ? named.options.map(String) : [];
}
