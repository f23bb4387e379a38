import type { FieldValue, SinkEvent } from '../../sink.ts';
import { clip, jsonBytes, userOf, V1_NAMES, visitorOf } from '../../shape.ts';
import { fieldSet } from '../../event/field-classes.ts';

/** An event for the HTTP V2 API, without user properties or address. */
export interface AmplitudeEvent {
  readonly event_type: string;
  /** Unix milliseconds. */
  readonly time: number;
  /** Amplitude removes duplicates by this id and the device, for seven days. */
  readonly insert_id: string;
  readonly device_id: string;
  readonly user_id?: string;
  readonly user_agent?: string;
  readonly event_properties: Readonly<Record<string, FieldValue>>;
}

/** Longest string that Amplitude keeps, in characters. */
const STRING_LENGTH = 1024;
/** One page of the documentation says up to 2,000, another fewer than 2,000. */
export const MAX_EVENTS = 1999;
/** Most bytes in a whole request; larger ones get a 413. */
export const MAX_REQUEST_BYTES = 1_000_000;
/** Ids that Amplitude refuses, whatever the minimum length. */
const REFUSED_IDS: ReadonlySet<string> = new Set([
  'anonymous',
  'nil',
  'none',
  'null',
  'n/a',
  'na',
  'undefined',
  'unknown',
  '""',
  '00000000-0000-0000-0000-000000000000',
  '{}',
  'lmy47d',
  '0',
  '-1',
]);
/** Fields that have their own place. */
const PLACED = fieldSet('event_id', 'event', 'created', 'user_id', 'client_id', 'user_agent', ...V1_NAMES);

/** Converts an event for Amplitude; long strings are cut to what it keeps. */
export function toAmplitude(event: SinkEvent): AmplitudeEvent {
  const user = userOf(event);
  const agent = event.fields['user_agent'];
  const properties = Object.entries(event.fields)
    .filter(([field]) => !PLACED.has(field))
    .map(([field, value]) => [field, typeof value === 'string' ? clip(value, STRING_LENGTH) : value] as const);
  return {
    event_type: clip(event.type, STRING_LENGTH),
    time: event.createdMs,
    insert_id: clip(event.id, STRING_LENGTH),
    device_id: acceptable(visitorOf(event)),
    ...(user !== undefined && !isRefused(user) && { user_id: clip(user, STRING_LENGTH) }),
    ...(typeof agent === 'string' && { user_agent: clip(agent, STRING_LENGTH) }),
    event_properties: Object.fromEntries(properties),
  };
}

/** A posted client id may be a word that Amplitude refuses. */
const acceptable = (id: string): string => clip(isRefused(id) ? `client ${id}` : id, STRING_LENGTH);

const isRefused = (id: string): boolean => REFUSED_IDS.has(id.toLowerCase());

/** Builds the body of a request. `min_id_length` allows short user names. */
export function uploadOf(apiKey: string, events: readonly object[]): string {
  return JSON.stringify({ api_key: apiKey, events, options: { min_id_length: 1 } });
}

/** Bytes of an event in a request, including its comma. */
export const sizeOf = (event: SinkEvent): number => jsonBytes(toAmplitude(event)) + 1;
