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

/** What all events of one request share. */
export interface Occasion {
  /** Of the request's span, with what its end added. They say who made the request. */
  readonly attributes: CapturedAttributes;
  /** The full URL, with secrets redacted. */
  readonly url: string;
  /** With secrets redacted. */
  readonly referrer: string | undefined;
  readonly source: CaptureOptions['source'];
  readonly instance: string | undefined;
  /** Identifies the request (`requestIdentity`); '' if it has neither id nor trace. */
  readonly identity: string;
}

/** Span attributes that every event of the request carries too. */
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

/** The events as log records, with ids. Every observer of the request computes the same ids (docs/design.md, "Identity"). */
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

/** A view that Clowder denied: a log record of the view, marked as denied, without an id. */
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
 * Ids of events that a weaker observer would report for the request but that did not happen.
 *
 * @param assumed what path and status alone amount to
 * @param known what the whole request amounts to
 * @param identity of the request; '' if there is none: then there is nothing to refute
 */
export function refutedIds(assumed: readonly HttpEvent[], known: readonly HttpEvent[], identity: string): string[] {
  if (assumed.length === 0 || identity === '') return [];
  const identities = identitiesOfEvents(known);
  const happened = new Set(known.map(({ event }, index) => `${event} ${identities[index] ?? ''}`));
  const types = new Set(known.map(({ event }) => event));
  const refuted = new Set<string>();
  for (const [index, resource] of identitiesOfEvents(assumed).entries()) {
    const type = assumed[index]?.event;
    // An observer that does not know the resource cannot have meant a different one.
    if (type !== undefined && !(resource === '' ? types.has(type) : happened.has(`${type} ${resource}`)))
      refuted.add(derivedEventId(identity, type, resource));
  }
  return [...refuted];
}
