import { isIP } from 'node:net';
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
/** What Matomo is told where no address is known: without one it takes that of this program, and its place, for every visitor's. */
const NO_ADDRESS = '0.0.0.0';

const PAGES: ReadonlySet<string> = new Set(['view.page', 'view.resource']);

/** What an event of a category is about, the first that it has, and how much. */
const EVENT_FIELDS: ReadonlyMap<string, { readonly names: readonly string[]; readonly value?: string }> = new Map([
  ['health.connections', { names: ['component', 'clowder_instance'], value: 'requests' }],
  ['health', { names: ['component', 'target'], value: 'response_time_ms' }],
  ['extraction', { names: ['extractor_name'], value: 'duration_ms' }],
  ['user', { names: [] }],
]);
const RESOURCE_FIELDS = { names: ['resource_name', 'file_name', 'resource_id'], value: 'bytes' } as const;

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

/** A page or a download where its URL is known, an event of Matomo's otherwise: a URL is never made up. */
function actionOf(event: SinkEvent): Record<string, string | undefined> {
  const url = text(event, 'url');
  const title = text(event, 'title') ?? text(event, 'resource_name');
  if (url !== undefined && PAGES.has(event.type)) return { url, action_name: cut(title) };
  if (url !== undefined && event.type === 'view.download') return { url, download: url };
  return { url, ...eventOf(event) };
}

function eventOf(event: SinkEvent): Record<string, string | undefined> {
  const [category = '', ...action] = event.type.split('.');
  const { names, value } = EVENT_FIELDS.get(event.type) ?? EVENT_FIELDS.get(category) ?? RESOURCE_FIELDS;
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
