import { isIP } from 'node:net';
import { isEventType, type EventType } from '../../../taxonomy/event-types.ts';
import type { KnownField } from '../../event/field-classes.ts';
import { clip, hashed, jsonBytes, text, userOf, visitorOf } from '../../shape.ts';
import type { SinkEvent } from '../../sink.ts';

/** Options that all tracking requests share. */
export interface TrackingOptions {
  readonly siteId: number;
  /** Field → number of its custom dimension of scope Action. */
  readonly dimensions: Readonly<Record<string, number>>;
}

/** Matomo cuts longer texts. */
const TEXT_LENGTH = 1024;
/** Sent if the address is unknown: otherwise Matomo would give every visitor this program's address and location. */
const NO_ADDRESS = '0.0.0.0';

/** How an event appears: as the page or download at its URL, or by the first known one of these fields, with an amount. */
type Shown = 'page' | 'download' | { readonly names: readonly KnownField[]; readonly value?: KnownField };

const RESOURCE: Exclude<Shown, string> = { names: ['resource_name', 'file_name', 'resource_id'], value: 'bytes' };
const EXTRACTOR: Shown = { names: ['extractor_name'], value: 'duration_ms' };
const USER: Shown = { names: [] };

const SHOWN: Readonly<Record<EventType, Shown>> = {
  'file.uploaded': RESOURCE,
  'file.deleted': RESOURCE,
  'file.archived': RESOURCE,
  'file.unarchived': RESOURCE,
  'dataset.created': RESOURCE,
  'dataset.deleted': RESOURCE,
  'dataset.archived': RESOURCE,
  'dataset.unarchived': RESOURCE,
  'collection.created': RESOURCE,
  'collection.deleted': RESOURCE,
  'space.created': RESOURCE,
  'space.deleted': RESOURCE,
  'extraction.queued': EXTRACTOR,
  'extraction.working': EXTRACTOR,
  'extraction.done': EXTRACTOR,
  'extraction.failed': EXTRACTOR,
  'view.page': 'page',
  'view.resource': 'page',
  'view.ended': { names: ['resource_id'], value: 'visible_ms' },
  'view.download': 'download',
  'user.login': USER,
  'user.signup': USER,
  'health.ping': { names: ['component', 'target'], value: 'response_time_ms' },
  'health.connections': { names: ['component', 'clowder_instance'], value: 'requests' },
};

/** Builds one tracking request, `?idsite=…`, in the order of the Tracking API's sections. */
export function trackingRequest(event: SinkEvent, { siteId, dimensions }: TrackingOptions): string {
  const parameters: Record<string, string | undefined> = {
    idsite: String(siteId),
    rec: '1',
    apiv: '1',
    rand: event.id,
    // Without this, Matomo silently drops robots. Whoever wants none can filter them.
    bots: '1',
    cdt: String(Math.floor(event.createdMs / 1000)),
    cid: hashed(['visitor', visitorOf(event)]).slice(0, 16),
    uid: userOf(event),
    cip: addressOf(event),
    ua: text(event, 'user_agent'),
    ...actionOf(event),
    urlref: text(event, 'referrer'),
  };
  for (const [field, number] of Object.entries(dimensions)) parameters[`dimension${number}`] = text(event, field);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return `?${query.toString()}`;
}

/** Builds the body of a bulk request. */
export function bulkOf(token: string, requests: readonly string[]): string {
  return JSON.stringify({ requests, token_auth: token });
}

/** Bytes of an event in a bulk request, including its comma. */
export const sizeIn =
  (options: TrackingOptions) =>
  (event: SinkEvent): number =>
    jsonBytes(trackingRequest(event, options)) + 1;

/** A page or a download if its URL is known, otherwise a Matomo event. URLs are never invented. */
function actionOf(event: SinkEvent): Record<string, string | undefined> {
  const url = text(event, 'url');
  const title = text(event, 'title') ?? text(event, 'resource_name');
  const shown = isEventType(event.type) ? SHOWN[event.type] : RESOURCE;
  if (url !== undefined && shown === 'page') return { url, action_name: cut(title) };
  if (url !== undefined && shown === 'download') return { url, download: url };
  return { url, ...eventOf(event, typeof shown === 'string' ? RESOURCE : shown) };
}

function eventOf(event: SinkEvent, { names, value }: Exclude<Shown, string>): Record<string, string | undefined> {
  const [category = '', ...action] = event.type.split('.');
  const amount = value === undefined ? undefined : event.fields[value];
  const name = names.map((field) => text(event, field)).find((known) => known !== undefined);
  return {
    ca: '1',
    e_c: orSelf(category, event.type),
    e_a: orSelf(action.join('.'), event.type),
    e_n: cut(name),
    e_v: typeof amount === 'number' && Number.isFinite(amount) ? String(amount) : undefined,
  };
}

/** Matomo accepts neither category nor action if it is blank. */
function orSelf(part: string, type: string): string {
  const chosen = part.trim() === '' ? type : part;
  return clip(chosen.trim() === '' ? 'event' : chosen, TEXT_LENGTH);
}

const cut = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : clip(value, TEXT_LENGTH);

function addressOf(event: SinkEvent): string {
  const address = text(event, 'client_address') ?? '';
  return isIP(address) === 0 ? NO_ADDRESS : address;
}
