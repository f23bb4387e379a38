import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { eventTraits, type EnrichedField, type IdentityField } from '../../taxonomy/event-types.ts';
import type { CapturedAttributes, CapturedEvent } from '../capture/types.ts';
import type { Facts, Lookups, ResourceKind, User } from './lookups.ts';

/** What is known about a resource: null if Clowder says nothing about it, undefined if it was not asked. */
export type Known = (kind: ResourceKind, id: string) => Facts | null | undefined;

export interface Subject {
  readonly kind: ResourceKind;
  readonly id: string;
}

export interface Completion {
  /** With what is known about its resource. */
  readonly event: CapturedEvent;
  /** What to look up before the event is complete, as far as known now. */
  readonly missing: readonly Subject[];
}

type Fills = { readonly [F in keyof Facts]?: readonly EnrichedField[] };

/**
 * The field that each fact fills: the first of these that the event may carry. For the resource itself, and for a file's
 * dataset.
 */
const RESOURCE: Fills = { name: ['resource_name'], spaceId: ['space_id'], authorId: ['author_id'], authorName: ['author_name'] }; // prettier-ignore
const FILLS: Readonly<Record<ResourceKind | 'dataset of a file', Fills>> = {
  file: { ...RESOURCE, name: ['file_name', 'resource_name'], datasetId: ['dataset_id'], folderId: ['folder_id'] },
  dataset: RESOURCE,
  collection: RESOURCE,
  space: RESOURCE,
  'dataset of a file': { name: ['dataset_name'], spaceId: ['space_id'] },
};

/** The kind of resource that a field identifies, if its name says so. */
const KIND_OF_ID = { file_id: 'file', dataset_id: 'dataset', resource_id: undefined } as const satisfies Readonly<
  Record<IdentityField, ResourceKind | undefined>
>;

/** The resource that an event is about; undefined if there is none or its id is unknown. */
export function subjectOf({ type, attributes }: CapturedEvent): Subject | undefined {
  const { identity, resource } = eventTraits[type];
  for (const field of identity) {
    const kind = KIND_OF_ID[field] ?? resource?.type ?? attributes[ATTRIBUTE_OF_FIELD.resource_type];
    const id = attributes[ATTRIBUTE_OF_FIELD[field]];
    if (typeof id === 'string' && isKind(kind)) return { kind, id };
  }
  return undefined;
}

const isKind = (kind: unknown): kind is ResourceKind =>
  kind === 'file' || kind === 'dataset' || kind === 'collection' || kind === 'space';

/**
 * Adds what is known about the event's resource and, for a file, about its dataset. Values that the event states stay. A
 * deleted resource is not looked up, as it no longer exists.
 */
export function complete(event: CapturedEvent, lookups: Lookups, known: Known): Completion {
  const fields = eventTraits[event.type].enriched;
  if (fields.length === 0) return { event, missing: [] };
  const added: CapturedAttributes = {};
  const missing: Subject[] = [];

  const lacking = (candidates: readonly EnrichedField[] = []): EnrichedField | undefined => {
    const field = candidates.find((one) => fields.includes(one));
    const isThere = field !== undefined && has(event.attributes, field);
    return isThere || (field !== undefined && has(added, field)) ? undefined : field;
  };
  const take = (subject: Subject, fills: Fills, mayAsk: boolean): Facts => {
    const lookup = lookups[subject.kind];
    if (lookup === undefined) return {};
    const facts = known(subject.kind, subject.id);
    const isWanted = lookup.asks.some((fact) => isFact(fact, fills) && lacking(fills[fact]) !== undefined);
    if (facts === undefined && mayAsk && isWanted) missing.push(subject);
    for (const fact of Object.keys(fills) as (keyof Facts)[]) {
      const value = facts?.[fact];
      const field = value === undefined ? undefined : lacking(fills[fact]);
      if (value !== undefined && field !== undefined) added[ATTRIBUTE_OF_FIELD[field]] = value;
    }
    return facts ?? {};
  };

  const subject = subjectOf(event);
  const own = subject === undefined ? {} : take(subject, FILLS[subject.kind], !event.type.endsWith('.deleted'));
  const datasetId = event.attributes[ATTRIBUTE_OF_FIELD.dataset_id] ?? own.datasetId;
  const isInDataset = subject === undefined || subject.kind === 'file';
  if (isInDataset && typeof datasetId === 'string')
    take({ kind: 'dataset', id: datasetId }, FILLS['dataset of a file'], true);
  return { event: adding(event, added), missing };
}

const has = (attributes: CapturedAttributes, field: EnrichedField): boolean =>
  attributes[ATTRIBUTE_OF_FIELD[field]] !== undefined;

const isFact = (fact: string, fills: Fills): fact is keyof Facts => Object.hasOwn(fills, fact);

function adding(event: CapturedEvent, added: CapturedAttributes): CapturedEvent {
  return Object.keys(added).length === 0 ? event : { ...event, attributes: { ...event.attributes, ...added } };
}

/**
 * Whether the request's user may be added to an event. Events that state their own user are excluded: someone who logs in may
 * send another user's session.
 */
export const isByUser = ({ type }: CapturedEvent): boolean =>
  !eventTraits[type].stated.some((group) => group.includes('user_id'));

/** The event with the user that Clowder names. An event whose request names another user stays as it is. */
export function withUser(event: CapturedEvent, user: User): CapturedEvent {
  const attributes = userAttributes(event.attributes, user);
  return attributes === undefined || !isByUser(event) ? event : adding(event, attributes);
}

/** `user.id` and `user.name` to add, with Clowder's own id; undefined if the name already there is another user's. */
export function userAttributes(there: CapturedAttributes, { userId, userName }: User): CapturedAttributes | undefined {
  const named = there[ATTRIBUTE_OF_FIELD.user_name];
  const isOther = named !== undefined && userName?.toLowerCase() !== String(named).toLowerCase();
  if (isOther) return undefined;
  return {
    ...(userId !== undefined && { [ATTRIBUTE_OF_FIELD.user_id]: userId }),
    ...(userName !== undefined && named === undefined && { [ATTRIBUTE_OF_FIELD.user_name]: userName }),
  };
}
