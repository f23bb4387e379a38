import { isIP } from 'node:net';
import { isEventType, type EventType } from '../../../taxonomy/event-types.ts';
import type { KnownField } from '../../event/field-classes.ts';
import { clip, hashed, jsonBytes, text, userOf, visitorOf } from '../../shape.ts';
import type { SinkEvent } from '../../sink.ts';

/** What tracking requests have in common. */
export interface TrackingOptions {
  readonly siteId: number;
  /** Field → number of the custom dimension of scope Action that shows it. */
  readonly dimensions: Readonly<Record<string, number>>;
}

/** Matomo cuts what is longer. */
const TEXT_LENGTH = 1024;
/** What Matomo is told if no address is known: without one it takes that of this program, and its place, for every visitor's. */
const NO_ADDRESS = '0.0.0.0';

/** How an event is shown: as the page or the download of its URL, or by what it is about, the first that it has, and how much. */
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

/** One tracking request, `?idsite=…`, in order of the Tracking API's sections. */
export function trackingRequest(event: SinkEvent, { siteId, dimensions }: TrackingOptions): string {
  const parameters: Record<string, string | undefined> = {
    idsite: String(siteId),
    rec: '1',
    apiv: '1',
    rand: event.id,
    // Whoever does not want robots filters them: left out here, Matomo would drop them and say nothing.
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

/** The body of a bulk request. */
export function bulkOf(token: string, requests: readonly string[]): string {
  return JSON.stringify({ requests, token_auth: token });
}

/** Bytes that an event takes in a bulk request, its comma included. */
export const sizeIn =
  (options: TrackingOptions) =>
  (event: SinkEvent): number =>
    jsonBytes(trackingRequest(event, options)) + 1;

/** A page or a download if its URL is known, an event of Matomo's otherwise: a URL is never made up. */
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

/** Neither may be blank. */
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
