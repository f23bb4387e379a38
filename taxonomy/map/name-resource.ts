import type { Draft } from '../check-draft.ts';
import { EVENT_TYPES, eventSchemas, eventTraits, type EventType } from '../event-types.ts';

/** Types that may be about several kinds of resource, and must name the kind. */
const SAYS_OF_WHICH: ReadonlySet<EventType> = new Set(
  EVENT_TYPES.filter((type) => !eventSchemas[type].shape.resource_type.safeParse(undefined).success),
);

/**
 * Fills in the resource's names. A type with its own id field (`file_id`) accepts `resource_id` instead. A type that must name
 * its kind of resource accepts `file_id` or `dataset_id` for that.
 */
export function nameResource(type: EventType, draft: Draft): void {
  const own = eventTraits[type].resource?.id;
  if (own !== undefined && own !== 'resource_id') draft[own] ??= draft['resource_id'];
  if (!SAYS_OF_WHICH.has(type)) return;
  draft['resource_type'] ??= draft['file_id'] !== undefined ? 'file' : draft['dataset_id'] !== undefined ? 'dataset' : undefined; // prettier-ignore
  if (typeof draft['resource_type'] === 'string') draft['resource_id'] ??= draft[`${draft['resource_type']}_id`];
}
