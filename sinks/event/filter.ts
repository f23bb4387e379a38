import { CLIENT_KINDS } from '../../taxonomy/event-fields.ts';
import { EVENT_TYPES } from '../../taxonomy/event-types.ts';
import type { FieldValue } from '../sink.ts';

/** Stands for events without a kind of client, such as health events and posted ones. */
const NO_CLIENT_KIND = 'none';
export const FILTER_CLIENT_KINDS = [...CLIENT_KINDS, NO_CLIENT_KIND] as const;

/** Selects a sink's events; absent criteria let everything pass. */
export interface EventFilter {
  /** Binding keys: event types, or patterns such as `file.*`, `*.created`, `#`. */
  readonly types?: readonly string[] | undefined;
  readonly client_kinds?: readonly (typeof FILTER_CLIENT_KINDS)[number][] | undefined;
  /** Values of `clowder_instance`. */
  readonly instances?: readonly string[] | undefined;
  /** true: excludes what Clowder was asked not to count (`tracked: false`); false: includes nothing else. */
  readonly tracked?: boolean | undefined;
}

const ALL = '#';

/** Every binding key that a filter can have: the event types and their patterns. */
export const BINDING_KEYS: readonly string[] = [
  ...new Set([
    ALL,
    ...EVENT_TYPES.map((type) => type.replace(/\.\w+$/, '.*')),
    ...EVENT_TYPES.map((type) => type.replace(/^\w+\./, '*.')),
    ...EVENT_TYPES,
  ]),
];

/** Returns the binding keys for the sink's queue. */
export function bindingKeys({ types = [] }: EventFilter): readonly string[] {
  return types.length === 0 || types.includes(ALL) ? [ALL] : [...new Set(types)];
}

/**
 * Decides whether an event passes. It checks types too, because a queue still holds messages from earlier bindings.
 *
 * @returns a function of the flat body
 */
export function createFilter(
  filter: EventFilter,
): (body: Readonly<Record<string, FieldValue>> & { readonly event: string }) => boolean {
  const keys = bindingKeys(filter);
  const typePasses = memo((type) => keys.some((key) => matches(key, type)));
  const kinds = filter.client_kinds === undefined ? undefined : new Set<unknown>(filter.client_kinds);
  const instances = filter.instances === undefined ? undefined : new Set<unknown>(filter.instances);
  return (body) =>
    typePasses(body.event) &&
    (kinds === undefined || kinds.has(body['client_kind'] ?? NO_CLIENT_KIND)) &&
    (instances === undefined || instances.has(body['clowder_instance'])) &&
    (filter.tracked === undefined || filter.tracked === (body['tracked'] !== false));
}

/** Matches a topic as RabbitMQ does: `*` stands for one word, `#` alone for everything. */
function matches(key: string, type: string): boolean {
  if (key === ALL) return true;
  const [words, given] = [key.split('.'), type.split('.')];
  return words.length === given.length && words.every((word, index) => word === '*' || word === given[index]);
}

const MEMO_SIZE = 1000;

/** Caches decisions. Event types are few, but strangers' types must not fill memory. */
function memo(decide: (type: string) => boolean): (type: string) => boolean {
  const known = new Map<string, boolean>();
  return (type) => {
    const before = known.get(type);
    if (before !== undefined) return before;
    const result = decide(type);
    if (known.size < MEMO_SIZE) known.set(type, result);
    return result;
  };
}
