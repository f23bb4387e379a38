import type { FieldClass } from '../../taxonomy/event-fields.ts';
import { fieldClasses, type EventField } from '../../taxonomy/event-types.ts';

/** Names of Clowder v1's that the flat body has beside the taxonomy's fields. */
type V1Field = 'category' | 'type' | 'size' | 'service_name' | 'uptime';

const V1_CLASSES = {
  category: 'thing',
  type: 'thing',
  size: 'thing',
  service_name: 'thing',
  uptime: 'thing',
} as const satisfies Record<V1Field, FieldClass>;

/** A field of an event as it is published. */
export type KnownField = EventField | V1Field;

/** What every field of a published event tells of people: as its event type says, and so of Clowder v1's names. */
export const FIELD_CLASSES: Readonly<Record<KnownField, FieldClass>> = { ...fieldClasses, ...V1_CLASSES };

/** Some of the fields. A name that no event has does not compile. */
export const fieldSet = (...fields: readonly KnownField[]): ReadonlySet<string> => new Set(fields);

export function isKnownField(field: string): field is KnownField {
  return Object.hasOwn(FIELD_CLASSES, field);
}

/** Fields that every event keeps as they are: without them it is none, or cannot be told from another. */
export const FIXED_FIELDS = ['event_id', 'event', 'created'] as const;

export function isFixedField(field: string): boolean {
  return FIXED_FIELDS.some((fixed) => fixed === field);
}
