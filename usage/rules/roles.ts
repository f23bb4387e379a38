import type { EventType } from '../../taxonomy/event-types.ts';

/**
 * What an event means for usage. Views and downloads of files and datasets are investigations; complete downloads are
 * requests too. `upload` and `action` are what else people do, `job` is the work of extractors, `reading` comes from the
 * monitor, and `window` sums up what other events report one by one.
 */
export type Role = 'view' | 'download' | 'upload' | 'page' | 'action' | 'job' | 'reading' | 'window';

/** Each event type's role. */
const ROLE_OF = {
  'view.resource': 'view',
  'view.download': 'download',
  'view.page': 'page',
  'file.uploaded': 'upload',
  'file.deleted': 'action',
  'file.archived': 'action',
  'file.unarchived': 'action',
  'dataset.created': 'action',
  'dataset.deleted': 'action',
  'dataset.archived': 'action',
  'dataset.unarchived': 'action',
  'collection.created': 'action',
  'collection.deleted': 'action',
  'space.created': 'action',
  'space.deleted': 'action',
  'user.login': 'action',
  'user.signup': 'action',
  'extraction.queued': 'job',
  'extraction.working': 'job',
  'extraction.done': 'job',
  'extraction.failed': 'job',
  'health.ping': 'reading',
  'health.connections': 'window',
  // The view itself is counted.
  'view.ended': 'window',
} as const satisfies Record<EventType, Role>;

/** The types with one of these roles. */
export function typesOf(...roles: readonly Role[]): readonly EventType[] {
  return (Object.keys(ROLE_OF) as EventType[]).filter((type) => roles.includes(ROLE_OF[type]));
}
