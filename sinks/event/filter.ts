import { CLIENT_KINDS } from '../../taxonomy/event-fields.ts';
import { EVENT_TYPES } from '../../taxonomy/event-types.ts';
import type { FieldValue } from '../sink.ts';

/** Of a kind of client: that the event has none, as those of health and those that are posted. */
const NO_CLIENT_KIND = 'none';
export const FILTER_CLIENT_KINDS = [...CLIENT_KINDS, NO_CLIENT_KIND] as const;

/** Which events a sink is for; what is absent lets everything pass. */
export interface EventFilter {
  /** Binding keys: event types, or patterns of them such as `file.*`, `*.created`, `#`. */
  readonly types?: readonly string[] | undefined;
  readonly client_kinds?: readonly (typeof FILTER_CLIENT_KINDS)[number][] | undefined;
  /** Values of `clowder_instance`. */
  readonly instances?: readonly string[] | undefined;
  /** true: without what Clowder was asked not to count (`tracked: false`); false: that alone. */
  readonly tracked?: boolean | undefined;
}

const ALL = '#';

/** Every binding key that a filter can have: the event types and the patterns of them. */
export const BINDING_KEYS: readonly string[] = [
  ...new Set([
    ALL,
    ...EVENT_TYPES.map((type) => type.replace(/\.\w+$/, '.*')),
    ...EVENT_TYPES.map((type) => type.replace(/^\w+\./, '*.')),
    ...EVENT_TYPES,
  ]),
];

/** The keys that the sink's queue is bound with. */
export function bindingKeys({ types = [] }: EventFilter): readonly string[] {
  return types.length === 0 || types.includes(ALL) ? [ALL] : [...new Set(types)];
}

/**
 * Whether an event passes. Types are looked at too: a queue still holds what it was bound to before.
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

/** How RabbitMQ matches a topic: `*` stands for one word, `#` alone for everything. */
function matches(key: string, type: string): boolean {
  if (key === ALL) return true;
  const [words, given] = [key.split('.'), type.split('.')];
  return words.length === given.length && words.every((word, index) => word === '*' || word === given[index]);
}

const MEMO_SIZE = 1000;

/** Types are few; strangers' ones are not remembered without end. */
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
