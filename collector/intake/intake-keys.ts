import { jobEventId } from '../../taxonomy/event-id.ts';
import { eventTraits } from '../../taxonomy/event-types.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { asId } from '../../taxonomy/http/facts.ts';
import type { KeyRule } from '../journal/segments.ts';
import { isVague, mayBeVague, traceKeyOf } from '../../taxonomy/map/keys.ts';

/** What keys begin with that are no event's id: nobody can state it, as ids have no control characters. */
const INTERNAL = '\u0001';
const DERIVED_ID = /^[0-9a-f]{32}$/;

/** By which an event's id is known, whoever states it: never as a key of ours. */
export function keyOfId(id: string): string {
  return id.startsWith(INTERNAL) ? `${INTERNAL}id:${id}` : id;
}

/** Stands for "this producer has stated this id". */
export const ownKey = (producer: string, id: string): string => `${INTERNAL}by:${JSON.stringify([producer, id])}`;
/** Stands for "a producer has stated this id, which has the form of those that follow from what was observed". */
export const statedKey = (id: string): string => `${INTERNAL}stated:${id}`;
/** The form of ids that follow from what was observed, or from what was posted. */
export const isDerivedForm = (id: string): boolean => DERIVED_ID.test(id);
/** Stands in the seen ids for "a strong observation of this type was seen of this request". */
export const strongKey = (requestKey: string): string => `${INTERNAL}strong:${requestKey}`;
/** Stands for "of this request an event of this type is there that names no resource, by a weak observation". */
export const vagueKey = (requestKey: string): string => `${INTERNAL}recovered:${requestKey}`;
/** Stands for "of this request an event of this type is there that names its resource, by a weak observation". */
export const namedKey = (requestKey: string): string => `${INTERNAL}named:${requestKey}`;
/** Stands for "the event that names no resource was found to be one that another observation names". */
export const matchedKey = (requestKey: string): string => `${INTERNAL}matched:${requestKey}`;
/** Stands for "this event did not happen". */
export const refutedKey = (id: string): string => `${INTERNAL}refuted:${id}`;

/** What the journal remembers beside events: an id that a capture refuted, by itself, or any other key. */
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

/** Keys of "an event of this type was accepted of this job" (docs/adr/013-one-job-one-event.md). */
export interface JobKeys {
  /** Any of these in the seen ids: this event of the job is there. */
  readonly seenAs: readonly string[];
  /** What the event itself adds to the seen ids. */
  readonly own: readonly string[];
  /** The event's id where several collectors may be told of it. */
  readonly sharedId: string;
}

/** @returns undefined for an event of which there may be many, or that names no job of Clowder's */
export function jobKeysOf(body: FlatBody): JobKeys | undefined {
  if (eventTraits[body.event].ofOneJob !== 'one') return undefined;
  // Only Clowder's own ids name one job to everybody: "1" may be the first of each extractor.
  const job = asId(body['job_id']);
  if (job === undefined) return undefined;
  const instance = body['clowder_instance'];
  const key = (where: unknown): string => `${INTERNAL}job:${JSON.stringify([body.event, job, where])}`;
  const [anywhere, unnamed] = [key('any'), key('none')];
  const sharedId = jobEventId(body.event, job, typeof instance === 'string' ? instance : undefined);
  // Jobs of two instances are two; whoever names none may mean either.
  return instance === undefined
    ? { seenAs: [anywhere], own: [anywhere, unnamed], sharedId }
    : { seenAs: [unnamed, key([instance])], own: [anywhere, key([instance])], sharedId };
}

/** What an event by a weak observation adds to the seen ids, beside its own id. */
export function weakKeysOf(body: FlatBody, requestKey: string): readonly string[] {
  if (isVague(body)) return [vagueKey(requestKey)];
  return mayBeVague(body) ? [namedKey(requestKey)] : [];
}

/** What an event in the journal brings back into the seen ids. */
export interface RememberedKeys {
  readonly keys: readonly string[];
  /** The event, where views of it are one with views to come. */
  readonly viewed?: FlatBody;
}

/** The journal keeps the keys of what it has; another version has it make them anew: raise it where `keysOfLine` gives others. */
export const KEY_RULE: KeyRule = { version: 3, keysOf: (line) => keysOfLine(line).keys };

/** Lines that bring back more than their own id. */
const MORE_THAN_AN_ID = /"recovered":true|"event":"view\.resource"|"job_id":"/;

/** @param line of the journal: JSON of an event */
export function keysOfLine(line: string): RememberedKeys {
  const id = /^\{"event_id":"([^"\\]*)"/.exec(line)?.[1];
  if (id !== undefined && !MORE_THAN_AN_ID.test(line)) return { keys: [id] };
  const body = JSON.parse(line) as FlatBody;
  const keys = [keyOfId(body.event_id), ...(jobKeysOf(body)?.own ?? [])];
  const traceKey = traceKeyOf(body);
  if (traceKey !== undefined && body['recovered'] === true) keys.push(...weakKeysOf(body, traceKey));
  return body.event === 'view.resource' ? { keys, viewed: body } : { keys };
}
