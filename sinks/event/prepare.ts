import type { FieldValue, SinkEvent } from '../sink.ts';
import { createFilter, type EventFilter } from './filter.ts';
import { createFieldMapper, type FieldOptions } from './mapping.ts';

/** A message as a sink sees it. */
export type Prepared =
  | {
      readonly kind: 'event';
      readonly event: SinkEvent;
      /** The resource of the original event, because `event.resource` has only what the policy lets through. '' for none. */
      readonly orderKey: string;
    }
  /** An event that the filter excludes. */
  | { readonly kind: 'filtered' }
  /** Not an event. */
  | { readonly kind: 'poison'; readonly reason: string };

export interface PrepareOptions extends FieldOptions {
  readonly filter: EventFilter;
}

type Body = Record<string, FieldValue> & { event_id: string; event: string; created: number };

/**
 * Turns a message into the event for a sink.
 *
 * @returns a function of the message's body and its `message_id`, '' for none
 */
export function createPreparer(options: PrepareOptions): (content: Uint8Array, messageId: string) => Prepared {
  const passes = createFilter(options.filter);
  const map = createFieldMapper(options);
  return (content, messageId) => {
    const body = readBody(content);
    if (typeof body === 'string') return { kind: 'poison', reason: body };
    if (!passes(body)) return { kind: 'filtered' };
    const fields = map(body);
    return {
      kind: 'event',
      orderKey: resourceOf(body),
      event: {
        id: messageId === '' ? body.event_id : messageId,
        type: body.event,
        createdMs: body.created,
        resource: resourceOf(fields),
        fields,
      },
    };
  };
}

function resourceOf({ resource_type: type, resource_id: id }: Readonly<Record<string, FieldValue>>): string {
  return id === undefined ? '' : `${String(type ?? 'resource')}/${String(id)}`;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Returns the flat body, or the reason why it is not one. */
function readBody(content: Uint8Array): Body | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decoder.decode(content));
  } catch {
    return 'the body is not JSON';
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return 'the body is not a JSON object';
  const body = parsed as Record<string, unknown>;
  if (typeof body['event_id'] !== 'string' || body['event_id'] === '') return 'event_id is missing, or no text';
  if (typeof body['event'] !== 'string' || body['event'] === '') return 'event is missing, or no text';
  if (!Number.isSafeInteger(body['created'])) return 'created is missing, or not Unix milliseconds';
  // A flat body has only scalars; anything else may be harmful.
  for (const field in body) if (!isScalar(body[field])) delete body[field];
  return body as Body;
}

function isScalar(value: unknown): value is FieldValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
