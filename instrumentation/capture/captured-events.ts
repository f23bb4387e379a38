import {
  ATTRIBUTE_OF_FIELD,
  CAPTURED,
  DENIED,
  INNER_REQUEST_ID,
  OUTER_REQUEST_ID,
  REQUEST_ID,
} from '../../taxonomy/attributes.ts';
import { derivedEventId, identitiesOf } from '../../taxonomy/event-id.ts';
import type { DeniedView } from '../../taxonomy/http/denied-view.ts';
import type { EventData, HttpEvent } from '../../taxonomy/http/types.ts';
import type { CapturedAttributes, CapturedEvent, CaptureOptions } from './types.ts';

/** What the events of one request have in common. */
export interface Occasion {
  /** Of the request's span, its end included: who asked is taken from there. */
  readonly attributes: CapturedAttributes;
  /** In full, secrets redacted. */
  readonly url: string;
  /** Secrets redacted. */
  readonly referrer: string | undefined;
  readonly source: CaptureOptions['source'];
  readonly instance: string | undefined;
  /** What the request is known by (`requestIdentity`); '' if it has neither id nor trace. */
  readonly identity: string;
}

/** Attributes of the span that every event of its request carries too. */
const SHARED = [
  REQUEST_ID,
  INNER_REQUEST_ID,
  OUTER_REQUEST_ID,
  'client.address',
  'user_agent.original',
  'clowder.client.kind',
  ATTRIBUTE_OF_FIELD.auth_method,
  'user.id',
  'user.name',
] as const;

/** The events as log records, ids included: every observer of the request gives the same ones (docs/design.md, "Identity"). */
export function captureEvents(events: readonly HttpEvent[], occasion: Occasion): CapturedEvent[] {
  const identities = identitiesOfEvents(events);
  return events.map(({ event, data, collapseWithinS }, index) => {
    const attributes: CapturedAttributes = { [CAPTURED]: true, [ATTRIBUTE_OF_FIELD.source]: occasion.source };
    if (occasion.identity !== '')
      attributes[ATTRIBUTE_OF_FIELD.event_id] = derivedEventId(occasion.identity, event, identities[index] ?? '');
    for (const name of SHARED) {
      const value = occasion.attributes[name];
      if (value !== undefined) attributes[name] = value;
    }
    if (occasion.instance !== undefined) attributes[ATTRIBUTE_OF_FIELD.clowder_instance] = occasion.instance;
    if (event.startsWith('view.')) {
      attributes[ATTRIBUTE_OF_FIELD.url] = occasion.url;
      if (occasion.referrer !== undefined) attributes[ATTRIBUTE_OF_FIELD.referrer] = occasion.referrer;
    }
    if (event === 'health.ping') attributes[ATTRIBUTE_OF_FIELD.target] = occasion.url;
    if (collapseWithinS !== undefined) attributes['clowder.collapse_within_s'] = collapseWithinS;
    addData(attributes, data);
    return { type: event, attributes };
  });
}

/** That a page asked for a resource in vain: a record of the view, which says so. */
export function captureDenied(denied: DeniedView | undefined, occasion: Occasion): CapturedEvent[] {
  if (denied === undefined) return [];
  const data: EventData = { ...denied };
  return captureEvents([{ event: 'view.resource', data }], { ...occasion, identity: '' }).map(
    ({ type, attributes }) => ({ type, attributes: { ...attributes, [DENIED]: true } }),
  );
}

function addData(attributes: CapturedAttributes, data: EventData): void {
  for (const field of Object.keys(data) as (keyof EventData & keyof typeof ATTRIBUTE_OF_FIELD)[]) {
    const value = data[field];
    if (value !== undefined) attributes[ATTRIBUTE_OF_FIELD[field]] = value;
  }
}

const identitiesOfEvents = (events: readonly HttpEvent[]): string[] =>
  identitiesOf(events.map(({ event, data }) => ({ event, fields: data })));

/**
 * Ids of the events that a weaker observer would make of the request and that did not happen.
 *
 * @param assumed what path and status alone amount to
 * @param known what the whole request amounts to
 * @param identity of the request; '' if there is none: nobody else's events can be told of then
 */
export function refutedIds(assumed: readonly HttpEvent[], known: readonly HttpEvent[], identity: string): string[] {
  if (assumed.length === 0 || identity === '') return [];
  const identities = identitiesOfEvents(known);
  const happened = new Set(known.map(({ event }, index) => `${event} ${identities[index] ?? ''}`));
  const types = new Set(known.map(({ event }) => event));
  const refuted = new Set<string>();
  for (const [index, resource] of identitiesOfEvents(assumed).entries()) {
    const type = assumed[index]?.event;
    // Who does not know the resource cannot have meant another one.
    if (type !== undefined && !(resource === '' ? types.has(type) : happened.has(`${type} ${resource}`)))
      refuted.add(derivedEventId(identity, type, resource));
  }
  return [...refuted];
}
