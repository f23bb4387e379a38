import type { z } from 'zod';
import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { eventSchemas, eventTraits, type EventTraits, type EventType } from '../../taxonomy/event-types.ts';

/** `file.uploaded` → `fileUploaded` */
export type FunctionName<T extends string> = T extends `${infer Head}.${infer Tail}` ? `${Head}${Capitalize<Tail>}` : T;

/** `file_id` → `fileId`, `responses_2xx` → `responses2xx` */
type PropertyName<F extends string> = F extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<PropertyName<Tail>>}`
  : F;

type Data<T extends EventType> = z.infer<(typeof eventSchemas)[T]>;

/**
 * Fields that the log record states itself, or that callers give in another form: `event_id` and `created` have their own
 * names.
 */
type Elsewhere = 'event' | 'event_id' | 'source';

/** Fields that follow from the type, or from the type's own name for the resource's id (`file_id`). */
type Settled<T extends EventType> = EventTraits[T] extends { readonly resource: { readonly id: infer Id } }
  ? Id extends 'resource_id'
    ? 'resource_type'
    : 'resource_type' | 'resource_id' | 'resource_name'
  : never;

type Stateable<T extends EventType> = Pick<
  Data<T>,
  Exclude<keyof Data<T> & keyof typeof ATTRIBUTE_OF_FIELD, Elsewhere | Settled<T>>
>;

/** What every event accepts besides its fields. */
export interface EventIdentity {
  /** When it happened: a date, or Unix time in milliseconds. @default now */
  readonly at?: Date | number | undefined;
  /** Id of the event; give the same event the same id every time. @default a new UUID */
  readonly eventId?: string | undefined;
}

/** The fields of an event type by their TypeScript names, all as the schema has them. */
export type EventProperties<T extends EventType> = EventIdentity & {
  readonly [F in keyof Stateable<T> as PropertyName<F & string>]: Stateable<T>[F];
};

type Has<P, K> = { readonly [N in keyof P as N extends K ? N : never]-?: Exclude<P[N], undefined> };

/** At least one of the fields K. */
type OneOf<P, K extends string> = K extends string ? Has<P, PropertyName<K>> : never;

type AllOf<P, Groups> = Groups extends readonly [infer Group extends readonly string[], ...infer Rest]
  ? OneOf<P, Group[number]> & AllOf<P, Rest>
  : unknown;

/** What a function of `clowderEvents` takes: the type's fields, with those required that a reported event must have. */
export type EventInput<T extends EventType> = EventProperties<T> & AllOf<EventProperties<T>, EventTraits[T]['stated']>;

/** The name of a type's function: `file.uploaded` → `fileUploaded`. */
export function functionName<T extends EventType>(type: T): FunctionName<T> {
  return camelCase(type) as FunctionName<T>;
}

const ELSEWHERE: ReadonlySet<string> = new Set<Elsewhere>(['event', 'event_id', 'source']);

/** The data field behind each property that a type's function takes. */
export function fieldsByProperty(type: EventType): ReadonlyMap<string, keyof typeof ATTRIBUTE_OF_FIELD> {
  let fields = tables.get(type);
  if (fields === undefined) tables.set(type, (fields = tableOf(type)));
  return fields;
}

const tables = new Map<EventType, ReadonlyMap<string, keyof typeof ATTRIBUTE_OF_FIELD>>();

function tableOf(type: EventType): ReadonlyMap<string, keyof typeof ATTRIBUTE_OF_FIELD> {
  const { resource } = eventTraits[type];
  const settled =
    resource === undefined
      ? []
      : resource.id === 'resource_id'
        ? ['resource_type']
        : ['resource_type', 'resource_id', 'resource_name'];
  const table = new Map<string, keyof typeof ATTRIBUTE_OF_FIELD>();
  for (const field in eventSchemas[type].shape)
    if (hasAttribute(field) && !ELSEWHERE.has(field) && !settled.includes(field)) table.set(camelCase(field), field);
  return table;
}

function hasAttribute(field: string): field is keyof typeof ATTRIBUTE_OF_FIELD {
  return Object.hasOwn(ATTRIBUTE_OF_FIELD, field);
}

function camelCase(name: string): string {
  return name.replace(/[._](.)/g, (_match, letter: string) => letter.toUpperCase());
}
