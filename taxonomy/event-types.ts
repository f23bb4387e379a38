import { z } from 'zod';
import type { Folding } from './folding/folding.ts';
import { pieces } from './folding/pieces.ts';
import { views } from './folding/views.ts';
import {
  commonFields,
  connections,
  container,
  download,
  endedView,
  extraction,
  file,
  page,
  ping,
  thing,
  user,
  viewedResource,
  type Field,
  type FieldClass,
} from './event-fields.ts';

/** Earlier event times are errors of a clock or unit. */
export const EARLIEST_CREATED_MS = Date.UTC(2000, 0, 1);
/** How far a clock may run ahead of ours, in milliseconds. */
export const CLOCK_AHEAD_MS = 24 * 60 * 60 * 1000;

/** Fields that a look-up in Clowder can fill. */
export type EnrichedField =
  | 'file_name'
  | 'resource_name'
  | 'dataset_id'
  | 'dataset_name'
  | 'folder_id'
  | 'space_id'
  | 'author_id'
  | 'author_name';

/** What the schema of a type with fields F does not express. */
interface Traits<F extends string> {
  /** A stated event (POST, log record, span event) must have at least one field of each group. */
  readonly stated: readonly (readonly F[])[];
  /** The resource's type and the fields with its id and name, if the event type determines them. */
  readonly resource?: { readonly type: string; readonly id: F; readonly name?: F };
  /** Names in Clowder v1's event sink (`category`, and `type` if it differs from the resource's type). */
  readonly v1: { readonly category: string; readonly type?: string };
  /** Fields that distinguish events of one request; the first known one counts. */
  readonly identity: readonly F[];
  /** The response carries a new resource's id: observers that see no bodies do not know it. */
  readonly answered?: true;
  /** Fields that enrichment may add; none if the event is about no resource. */
  readonly enriched: readonly Extract<F, EnrichedField>[];
  /** How several observations become one event; 'never' if each one that is not a repeat is an event of its own. */
  readonly folds: Folding | 'never';
}

const fileResource = { type: 'file', id: 'file_id', name: 'file_name' } as const;
const resource = (type: string) => ({ type, id: 'resource_id', name: 'resource_name' }) as const;

const AUTHOR = ['author_id', 'author_name'] as const;
const FILE = ['file_name', 'dataset_id', 'dataset_name', 'folder_id', 'space_id', ...AUTHOR] as const;
const CONTAINER = ['resource_name', 'space_id', ...AUTHOR] as const;
const EXTRACTION = ['resource_name', 'dataset_id', ...AUTHOR] as const;

type Fields = Readonly<Record<string, Field>>;
type FieldOf<S extends Fields> = (keyof S & string) | keyof typeof commonFields;

function eventSchema<const T extends string, const S extends Fields>(event: T, data: S, summary: string) {
  // The type's own field replaces a common field of the same name, for the compiler too.
  const common: Omit<typeof commonFields, keyof S> = commonFields;
  return z.object({ ...common, event: thing(z.literal(event)), ...data }).describe(summary);
}

/** For types with a `job_id`: how many events of the type one job has. */
type JobTraits<F extends string> = 'job_id' extends F ? { readonly ofOneJob: 'one' | 'many' } : unknown;

/** Defines one event type; the traits can only name fields of the type. */
function eventType<
  const T extends string,
  const S extends Fields,
  const R extends Traits<FieldOf<S>> & JobTraits<FieldOf<S>>,
>(event: T, data: S, summary: string, traits: R) {
  return { ...traits, schema: eventSchema(event, data, summary) };
}

/**
 * The taxonomy: one entry per event type. Types, JSON Schema, OpenAPI, AsyncAPI, validation of posted events, ids, enrichment
 * and docs/events.md are all derived from this table.
 */
const EVENTS = {
  'file.uploaded': eventType('file.uploaded', file, 'A file, or a new version of one, was stored', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'upload' },
    identity: ['file_id'],
    answered: true,
    enriched: FILE,
    folds: 'never',
  }),
  'file.deleted': eventType('file.deleted', file, 'A file was deleted or moved to the trash', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'delete' },
    identity: ['file_id'],
    enriched: FILE,
    folds: 'never',
  }),
  'file.archived': eventType('file.archived', file, 'A file was moved to the archive', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'archive' },
    identity: ['file_id'],
    enriched: FILE,
    folds: 'never',
  }),
  'file.unarchived': eventType('file.unarchived', file, 'A file was brought back from the archive', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'unarchive' },
    identity: ['file_id'],
    enriched: FILE,
    folds: 'never',
  }),
  'dataset.created': eventType('dataset.created', container, 'A dataset was created', {
    stated: [['resource_id']],
    resource: resource('dataset'),
    v1: { category: 'create' },
    identity: ['resource_id'],
    answered: true,
    enriched: CONTAINER,
    folds: 'never',
  }),
  'dataset.deleted': eventType('dataset.deleted', container, 'A dataset was deleted or moved to the trash', {
    stated: [['resource_id']],
    resource: resource('dataset'),
    v1: { category: 'delete' },
    identity: ['resource_id'],
    enriched: CONTAINER,
    folds: 'never',
  }),
  'dataset.archived': eventType('dataset.archived', container, 'Archiving of a dataset was requested', {
    stated: [['resource_id']],
    resource: resource('dataset'),
    v1: { category: 'archive' },
    identity: ['resource_id'],
    enriched: CONTAINER,
    folds: 'never',
  }),
  'dataset.unarchived': eventType('dataset.unarchived', container, 'Unarchiving of a dataset was requested', {
    stated: [['resource_id']],
    resource: resource('dataset'),
    v1: { category: 'unarchive' },
    identity: ['resource_id'],
    enriched: CONTAINER,
    folds: 'never',
  }),
  'collection.created': eventType('collection.created', container, 'A collection was created', {
    stated: [['resource_id']],
    resource: resource('collection'),
    v1: { category: 'create' },
    identity: ['resource_id'],
    answered: true,
    enriched: CONTAINER,
    folds: 'never',
  }),
  'collection.deleted': eventType('collection.deleted', container, 'A collection was deleted or moved to the trash', {
    stated: [['resource_id']],
    resource: resource('collection'),
    v1: { category: 'delete' },
    identity: ['resource_id'],
    enriched: CONTAINER,
    folds: 'never',
  }),
  'space.created': eventType('space.created', {}, 'A space was created', {
    stated: [['resource_id']],
    resource: resource('space'),
    v1: { category: 'create' },
    identity: ['resource_id'],
    answered: true,
    enriched: ['resource_name', ...AUTHOR],
    folds: 'never',
  }),
  'space.deleted': eventType('space.deleted', {}, 'A space was deleted', {
    stated: [['resource_id']],
    resource: resource('space'),
    v1: { category: 'delete' },
    identity: ['resource_id'],
    enriched: ['resource_name', ...AUTHOR],
    folds: 'never',
  }),
  'extraction.queued': eventType('extraction.queued', extraction, 'A job was submitted to an extractor', {
    stated: [['file_id', 'dataset_id']],
    v1: { category: 'extraction' },
    identity: ['file_id', 'dataset_id'],
    enriched: EXTRACTION,
    folds: 'never',
    ofOneJob: 'one',
  }),
  'extraction.working': eventType('extraction.working', extraction, 'An extractor reported progress', {
    stated: [['file_id', 'dataset_id', 'job_id']],
    v1: { category: 'extraction_working' },
    identity: ['file_id', 'dataset_id'],
    enriched: EXTRACTION,
    folds: 'never',
    ofOneJob: 'many',
  }),
  'extraction.done': eventType('extraction.done', extraction, 'An extractor finished a job', {
    stated: [['file_id', 'dataset_id', 'job_id']],
    v1: { category: 'extraction_done' },
    identity: ['file_id', 'dataset_id'],
    enriched: EXTRACTION,
    folds: 'never',
    ofOneJob: 'one',
  }),
  'extraction.failed': eventType('extraction.failed', extraction, 'An extractor gave up on a job', {
    stated: [['file_id', 'dataset_id', 'job_id']],
    v1: { category: 'extraction_failed' },
    identity: ['file_id', 'dataset_id'],
    enriched: EXTRACTION,
    folds: 'never',
    ofOneJob: 'one',
  }),
  'view.page': eventType('view.page', page, 'A page that is not about one resource was shown', {
    stated: [],
    v1: { category: 'view_page', type: 'page' },
    identity: ['resource_id'],
    enriched: [],
    folds: 'never',
  }),
  'view.resource': eventType(
    'view.resource',
    viewedResource,
    'The page of a file, dataset, collection or space was shown',
    {
      stated: [],
      v1: { category: 'view_resource' },
      identity: ['resource_id'],
      enriched: ['resource_name', 'dataset_id', 'folder_id', 'space_id', ...AUTHOR],
      folds: views,
    },
  ),
  'view.ended': eventType('view.ended', endedView, 'A page that was shown in a browser was left', {
    stated: [['view_id']],
    v1: { category: 'view_ended', type: 'page' },
    identity: ['resource_id'],
    enriched: [],
    folds: 'never',
  }),
  'view.download': eventType('view.download', download, 'A file, dataset or collection was downloaded', {
    stated: [['resource_id']],
    v1: { category: 'download' },
    identity: ['resource_id'],
    enriched: ['file_name', 'resource_name', 'dataset_id', 'folder_id', ...AUTHOR],
    folds: pieces,
  }),
  'user.login': eventType('user.login', user, 'A session was opened', {
    stated: [['user_id', 'user_name']],
    v1: { category: 'user_activity', type: 'login' },
    identity: [],
    enriched: [],
    folds: 'never',
  }),
  'user.signup': eventType('user.signup', user, 'An account was created', {
    stated: [['user_id', 'user_name']],
    v1: { category: 'user_activity', type: 'signup' },
    identity: [],
    enriched: [],
    folds: 'never',
  }),
  'health.ping': eventType(
    'health.ping',
    ping,
    'One reading of the health of one component; from the monitor as `service_status`, `up` or `down`',
    { stated: [], v1: { category: 'health', type: 'ping' }, identity: [], enriched: [], folds: 'never' },
  ),
  'health.connections': eventType('health.connections', connections, 'What the web server saw in one window of time', {
    stated: [],
    v1: { category: 'health', type: 'connections' },
    identity: [],
    enriched: [],
    folds: 'never',
  }),
};

export type EventType = keyof typeof EVENTS;

/** The schema of each event type. */
export const eventSchemas = Object.fromEntries(Object.entries(EVENTS).map(([type, { schema }]) => [type, schema])) as {
  readonly [T in EventType]: (typeof EVENTS)[T]['schema'];
};

/** An event as the taxonomy describes it: one flat object. */
export type ClowderEvent = { [T in EventType]: z.infer<(typeof eventSchemas)[T]> }[EventType];
/** Every field of any event type. */
export type EventField = { [T in EventType]: keyof z.infer<(typeof eventSchemas)[T]> }[EventType];

/** What each field tells about people, in every type that has it. */
export const fieldClasses = Object.fromEntries(
  Object.values<{ readonly shape: Readonly<Record<string, Field>> }>(eventSchemas).flatMap(({ shape }) =>
    Object.entries(shape).map(([field, schema]) => [field, schema.tells]),
  ),
) as Readonly<Record<EventField, FieldClass>>;

export const EVENT_TYPES = Object.keys(eventSchemas) as EventType[];

export function isEventType(value: unknown): value is EventType {
  return typeof value === 'string' && Object.hasOwn(eventSchemas, value);
}

/** The traits with precise types: which fields a stated event of each type must name. */
export type EventTraits = typeof EVENTS;

/** What the schemas do not express: identifying fields, required fields of stated events, names in Clowder v1. */
export const eventTraits: Readonly<
  Record<EventType, Traits<EventField> & Partial<JobTraits<'job_id'>> & { readonly identity: readonly IdentityField[] }>
> = EVENTS;

/** Fields that some type requires, always or in a stated event. */
export type StatedField = {
  [T in EventType]: RequiredField<T> | (typeof EVENTS)[T]['stated'][number][number];
}[EventType];
type RequiredField<T extends EventType> = RequiredKeys<z.infer<(typeof EVENTS)[T]['schema']>>;
type RequiredKeys<E> = { [F in keyof E]-?: undefined extends E[F] ? never : F }[keyof E];
/** Fields that distinguish the events of one request. */
export type IdentityField = (typeof EVENTS)[EventType]['identity'][number];
