import { jobEventId } from '../../taxonomy/event-id.ts';
import { eventTraits } from '../../taxonomy/event-types.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { asId } from '../../taxonomy/http/facts.ts';
import type { KeyRule } from '../journal/segments.ts';
import { isVague, mayBeVague, traceKeyOf } from '../../taxonomy/map/keys.ts';

/** Prefix of keys that are not event ids. Ids have no control characters, so no producer can state such a key. */
const INTERNAL = '\u0001';
const DERIVED_ID = /^[0-9a-f]{32}$/;

/** The key of an event's id, which never equals one of our own keys. */
export function keyOfId(id: string): string {
  return id.startsWith(INTERNAL) ? `${INTERNAL}id:${id}` : id;
}

/** Stands for "this producer has stated this id". */
export const ownKey = (producer: string, id: string): string => `${INTERNAL}by:${JSON.stringify([producer, id])}`;
/** Stands for "a producer has stated this id, which has the form of an observed event's id". */
export const statedKey = (id: string): string => `${INTERNAL}stated:${id}`;
/** Whether an id has the form of those that the collector derives from an observation or a posted event. */
export const isDerivedForm = (id: string): boolean => DERIVED_ID.test(id);
/** Stands for "a strong observation of this request, of this type, was seen". */
export const strongKey = (requestKey: string): string => `${INTERNAL}strong:${requestKey}`;
/** Stands for "a weak observation of this request gave an event of this type that names no resource". */
export const vagueKey = (requestKey: string): string => `${INTERNAL}recovered:${requestKey}`;
/** Stands for "a weak observation of this request gave an event of this type that names its resource". */
export const namedKey = (requestKey: string): string => `${INTERNAL}named:${requestKey}`;
/** Stands for "the event that names no resource was matched with an observation that names it". */
export const matchedKey = (requestKey: string): string => `${INTERNAL}matched:${requestKey}`;
/** Stands for "this event did not happen". */
export const refutedKey = (id: string): string => `${INTERNAL}refuted:${id}`;

/** What the journal remembers besides events: the bare id of an event that a capture refuted, or another key. */
export type Remembered = { readonly refuted: string } | { readonly key: string };

const OF_AN_ID = 'id:';
const OF_OURS = /^(?:strong|recovered|named|matched|job):/;

/** The line by which the journal remembers a key. */
export function lineOfKey(key: string): string {
  return key.startsWith(INTERNAL) ? key.slice(INTERNAL.length) : OF_AN_ID + key;
}

export function rememberedOf(line: string): Remembered {
  if (DERIVED_ID.test(line)) return { refuted: line };
  if (line.startsWith(OF_AN_ID)) return { key: line.slice(OF_AN_ID.length) };
  return { key: OF_OURS.test(line) ? INTERNAL + line : line };
}

/** Keys that stand for "an event of this type was accepted for this job" (docs/adr/013-one-job-one-event.md). */
export interface JobKeys {
  /** If any of these is among the seen ids, the job already has this event. */
  readonly seenAs: readonly string[];
  /** Keys that the event itself adds to the seen ids. */
  readonly own: readonly string[];
  /** The event's id if several collectors may receive it. */
  readonly sharedId: string;
}

/** @returns undefined if a job may have several such events, or if the event names no job of Clowder */
export function jobKeysOf(body: FlatBody): JobKeys | undefined {
  if (eventTraits[body.event].ofOneJob !== 'one') return undefined;
  // Only Clowder's ids are unique; "1" may be the first job of any extractor.
  const job = asId(body['job_id']);
  if (job === undefined) return undefined;
  const instance = body['clowder_instance'];
  const key = (where: unknown): string => `${INTERNAL}job:${JSON.stringify([body.event, job, where])}`;
  const [anywhere, unnamed] = [key('any'), key('none')];
  const sharedId = jobEventId(body.event, job, typeof instance === 'string' ? instance : undefined);
  // Jobs of two instances are different jobs. An event that names no instance may mean either.
  return instance === undefined
    ? { seenAs: [anywhere], own: [anywhere, unnamed], sharedId }
    : { seenAs: [unnamed, key([instance])], own: [anywhere, key([instance])], sharedId };
}

/** Keys that an event from a weak observation adds to the seen ids, besides its own id. */
export function weakKeysOf(body: FlatBody, requestKey: string): readonly string[] {
  if (isVague(body)) return [vagueKey(requestKey)];
  return mayBeVague(body) ? [namedKey(requestKey)] : [];
}

/** What an event in the journal restores in the seen ids. */
export interface RememberedKeys {
  readonly keys: readonly string[];
  /** The event, if it is a view that later views may be part of. */
  readonly viewed?: FlatBody;
}

/** The journal stores the keys that this rule gives. Raise the version if `keysOfLine` changes: then they are made again. */
export const KEY_RULE: KeyRule = { version: 3, keysOf: (line) => keysOfLine(line).keys };

/** Matches lines that restore more than their own id. */
const MORE_THAN_AN_ID = /"recovered":true|"event":"view\.resource"|"job_id":"/;

/** @param line a line of the journal: an event as JSON */
export function keysOfLine(line: string): RememberedKeys {
  const id = /^\{"event_id":"([^"\\]*)"/.exec(line)?.[1];
  if (id !== undefined && !MORE_THAN_AN_ID.test(line)) return { keys: [id] };
  const body = JSON.parse(line) as FlatBody;
  const keys = [keyOfId(body.event_id), ...(jobKeysOf(body)?.own ?? [])];
  const traceKey = traceKeyOf(body);
  if (traceKey !== undefined && body['recovered'] === true) keys.push(...weakKeysOf(body, traceKey));
  return body.event === 'view.resource' ? { keys, viewed: body } : { keys };
}
