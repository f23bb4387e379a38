import { clip, hashed, text, userOf, V1_NAMES, visitorOf } from '../../shape.ts';
import type { FieldValue, SinkEvent } from '../../sink.ts';
import { fieldSet, type KnownField } from '../../event/field-classes.ts';

/** An event for the Measurement Protocol, within its documented limits. */
export interface Ga4Event {
  readonly name: string;
  readonly timestamp_micros: number;
  readonly params: Readonly<Record<string, string | number>>;
}

const NAME_LENGTH = 40;
const VALUE_LENGTH = 100;
const MAX_PARAMS = 25;
/** Oldest event that Google accepts. It moves older ones to this age, which would give them a wrong time. */
const BACKDATE_MS = 72 * 60 * 60 * 1000;
/** Allowance for the time until Google reads the request. */
const BACKDATE_MARGIN_MS = 60_000;

const HOUR_MS = 3_600_000;

/** Parameters that Google's reports use, with their longest values. */
const PAGE_PARAMS: ReadonlyMap<string, readonly [name: string, length: number]> = new Map<
  KnownField,
  readonly [string, number]
>([
  ['url', ['page_location', 1000]],
  ['referrer', ['page_referrer', 420]],
  ['title', ['page_title', 300]],
]);
/** Fields that have their own place. */
const PLACED = fieldSet('event_id', 'event', 'created', 'user_id', 'client_id', 'session_id', ...V1_NAMES);
/** Fields left out first if an event has too many. */
const LEAST = fieldSet(
  'trace_id',
  'span_id',
  'recovered',
  'source',
  'user_agent',
  'message',
  'extractor_version',
  'resource_name',
);

const RESERVED_EVENTS: ReadonlySet<string> = new Set([
  'ad_activeview',
  'ad_click',
  'ad_exposure',
  'ad_impression',
  'ad_query',
  'ad_reward',
  'adunit_exposure',
  'app_clear_data',
  'app_exception',
  'app_install',
  'app_remove',
  'app_store_refund',
  'app_store_subscription_cancel',
  'app_store_subscription_renew',
  'app_update',
  'app_upgrade',
  'click',
  'dynamic_link_app_open',
  'dynamic_link_app_update',
  'dynamic_link_first_open',
  'error',
  'file_download',
  'firebase_campaign',
  'firebase_in_app_message_action',
  'firebase_in_app_message_dismiss',
  'firebase_in_app_message_impression',
  'first_open',
  'first_visit',
  'form_start',
  'form_submit',
  'in_app_purchase',
  'notification_dismiss',
  'notification_foreground',
  'notification_open',
  'notification_receive',
  'notification_send',
  'os_update',
  'page_view',
  'screen_view',
  'scroll',
  'session_start',
  'user_engagement',
  'video_complete',
  'video_progress',
  'video_start',
  'view_complete',
  'view_search_results',
]);
const RESERVED_PARAMS: ReadonlySet<string> = new Set([
  'cid',
  'currency',
  'customer_id',
  'customerid',
  'dclid',
  'engagement_time_msec',
  'event_id',
  'gclid',
  'page_location',
  'page_referrer',
  'page_title',
  'session_id',
  'session_number',
  'sessionid',
  'sfmc_id',
  'sid',
  'srsltid',
  'uid',
  'user_id',
  'userid',
]);
const RESERVED_PREFIX = /^(?:_|firebase_|ga_|google_|gtag|query_id)/i;

/** Converts an event for Google Analytics. Names are made valid and values cut; parameters beyond 25 are left out. */
export function toGa4(event: SinkEvent): Ga4Event {
  const params = new Map<string, string | number>([['event_id', clip(event.id, VALUE_LENGTH)]]);
  params.set('session_id', sessionOf(event));
  // Required for a visit to count as an active user.
  if (event.fields['client_kind'] === 'browser') params.set('engagement_time_msec', 1);
  for (const [field, value] of byImportance(event.fields)) {
    if (params.size >= MAX_PARAMS) break;
    const [name, length] = PAGE_PARAMS.get(field) ?? [paramName(field), VALUE_LENGTH];
    if (!params.has(name)) params.set(name, typeof value === 'number' ? value : clip(String(value), length));
  }
  return { name: eventName(event.type), timestamp_micros: event.createdMs * 1000, params: Object.fromEntries(params) };
}

/** Returns the client of an event; all events of one request have the same client. */
export function clientOf(event: SinkEvent): { readonly client_id: string; readonly user_id?: string } {
  const user = userOf(event);
  return { client_id: visitorOf(event), ...(user !== undefined && { user_id: clip(user, 256) }) };
}

/** Returns why an event is too old for Google to date it correctly; undefined if it is not. */
export function tooOld(event: SinkEvent, nowMs: number): string | undefined {
  if (nowMs - event.createdMs <= BACKDATE_MS - BACKDATE_MARGIN_MS) return undefined;
  return `Google Analytics takes no event that is older than 72 hours: it happened at ${new Date(event.createdMs).toISOString()}`;
}

function byImportance(fields: Readonly<Record<string, FieldValue>>): readonly (readonly [string, FieldValue])[] {
  const entries = Object.entries(fields).filter(([field, value]) => !PLACED.has(field) && value !== '');
  return [...entries.filter(([field]) => !LEAST.has(field)), ...entries.filter(([field]) => LEAST.has(field))];
}

function eventName(type: string): string {
  const name = validName(type);
  return RESERVED_EVENTS.has(name) ? validName(`clowder_${name}`) : name;
}

function paramName(field: string): string {
  const name = validName(field);
  return RESERVED_PARAMS.has(name) ? validName(`clowder_${name}`) : name;
}

/** Returns a valid name: letters, digits and underscores, a letter first, no reserved prefix, at most 40 characters. */
function validName(name: string): string {
  const plain = name.replace(/[^a-zA-Z0-9_]/g, '_');
  return (/^[a-zA-Z]/.test(plain) && !RESERVED_PREFIX.test(plain) ? plain : `clowder_${plain}`).slice(0, NAME_LENGTH);
}

/**
 * Returns the number of a visit, without which Google counts an event in no session. If the session is unknown, all events of
 * one client in one hour (UTC) are a visit.
 */
function sessionOf(event: SinkEvent): number {
  const session = text(event, 'session_id');
  const parts =
    session === undefined
      ? ['visit', visitorOf(event), String(Math.floor(event.createdMs / HOUR_MS))]
      : ['session', session];
  return Number.parseInt(hashed(parts).slice(0, 8), 16);
}
