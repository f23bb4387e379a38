import { checkDraft, missingStated, show, type CheckedDraft, type Draft } from './check-draft.ts';
import type { MapContext } from './map/context.ts';
import { isEventType } from './event-types.ts';
import { nameResource } from './map/name-resource.ts';

/** What the receiver knows about the sender of a posted event. */
export interface Poster {
  readonly source: 'api' | 'monitor';
  readonly eventId: string;
  /** Name of the key that the sender used. */
  readonly producer?: string | undefined;
}

/** Sources that a poster may name; for any other, the receiver uses its own. */
const SOURCES_A_POSTER_MAY_NAME: ReadonlySet<unknown> = new Set(['api', 'monitor', 'sdk', 'rabbitmq']);

/** Far more than any type has. */
const FIELDS_MAX = 1000;

/** Counts keys, but only until the limit is exceeded. */
function countKeys(value: object): number {
  let count = 0;
  for (const _key in value) if (++count > FIELDS_MAX) break;
  return count;
}

/**
 * Checks and completes a posted event. `created` is now by default; the id is the event's own, or by default the one in
 * `poster`. Unknown fields are errors, so that a mistyped field does not disappear silently.
 */
export function checkStated(value: unknown, poster: Poster, context: MapContext): CheckedDraft {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { ok: false, issues: [{ field: '', message: 'must be an object', received: show(value) }], draft: {} };
  }
  const count = countKeys(value);
  if (count > FIELDS_MAX)
    return {
      ok: false,
      issues: [{ field: '', message: `has more than ${FIELDS_MAX} fields`, expected: 'the fields of its type' }],
      draft: {},
    };
  const draft: Draft = { ...value };
  for (const field in draft) if (draft[field] === null) delete draft[field];
  draft['event_id'] ??= poster.eventId;
  draft['created'] ??= context.now();
  const named = draft['source'];
  if (named === undefined || !SOURCES_A_POSTER_MAY_NAME.has(named)) draft['source'] = poster.source;
  const type = draft['event'];
  if (isEventType(type)) nameResource(type, draft);
  const checked = checkDraft(draft, context, true);
  const missing = isEventType(type) ? missingStated(type, draft) : [];
  if (missing.length === 0) return checked;
  const told = checked.ok ? [] : checked.issues.filter((issue) => !missing.some((one) => one.field === issue.field));
  return { ok: false, issues: [...missing, ...told], draft: checked.ok ? checked.body : checked.draft };
}
