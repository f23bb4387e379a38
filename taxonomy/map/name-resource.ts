import type { Draft } from '../check-draft.ts';
import { EVENT_TYPES, eventSchemas, eventTraits, type EventType } from '../event-types.ts';

/** Types that are about one of several kinds of resource, and must say of which. */
const SAYS_OF_WHICH: ReadonlySet<EventType> = new Set(
  EVENT_TYPES.filter((type) => !eventSchemas[type].shape.resource_type.safeParse(undefined).success),
);

/**
 * A type with a name of its own for its resource's id (`file_id`) may be stated by `resource_id` alone; one that must say
 * which kind of resource it is about, by `file_id` or `dataset_id`.
 */
export function nameResource(type: EventType, draft: Draft): void {
  const own = eventTraits[type].resource?.id;
  if (own !== undefined && own !== 'resource_id') draft[own] ??= draft['resource_id'];
  if (!SAYS_OF_WHICH.has(type)) return;
  draft['resource_type'] ??= draft['file_id'] !== undefined ? 'file' : draft['dataset_id'] !== undefined ? 'dataset' : undefined; // prettier-ignore
  if (typeof draft['resource_type'] === 'string') draft['resource_id'] ??= draft[`${draft['resource_type']}_id`];
}
