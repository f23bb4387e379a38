import type { FieldClass } from '../../taxonomy/event-fields.ts';
import { fieldClasses, type EventField } from '../../taxonomy/event-types.ts';

/** Names of Clowder v1 in the flat body, in addition to the taxonomy's fields. */
type V1Field = 'category' | 'type' | 'size' | 'service_name' | 'uptime';

const V1_CLASSES = {
  category: 'thing',
  type: 'thing',
  size: 'thing',
  service_name: 'thing',
  uptime: 'thing',
} as const satisfies Record<V1Field, FieldClass>;

/** A field of a published event. */
export type KnownField = EventField | V1Field;

/** What each field of a published event tells about people: the taxonomy's fields and Clowder v1's names. */
export const FIELD_CLASSES: Readonly<Record<KnownField, FieldClass>> = { ...fieldClasses, ...V1_CLASSES };

/** Builds a set of fields. An unknown name does not compile. */
export const fieldSet = (...fields: readonly KnownField[]): ReadonlySet<string> => new Set(fields);

export function isKnownField(field: string): field is KnownField {
  return Object.hasOwn(FIELD_CLASSES, field);
}

/** Fields that never change: without them an event is invalid, or cannot be distinguished from others. */
export const FIXED_FIELDS = ['event_id', 'event', 'created'] as const;

export function isFixedField(field: string): boolean {
  return FIXED_FIELDS.some((fixed) => fixed === field);
}
