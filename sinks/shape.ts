import { createHash } from 'node:crypto';
import type { KnownField } from './event/field-classes.ts';
import { isNobody } from './event/privacy.ts';
import type { SinkEvent } from './sink.ts';

/** What services of web analytics have in common: whom an event is counted for, and what of it they need not be told. */

/** Names that only repeat others for consumers of Clowder v1's event sink: `event`, `resource_type` and `bytes` say the same. */
export const V1_NAMES = ['category', 'type', 'size'] as const satisfies readonly KnownField[];

/**
 * Whom an event is counted for where a service wants a device or a visitor. A client is the keyed hash that the event
 * carries, new every day; without one, the hash of the user. What no person did is counted for the program that did it:
 * each extractor, each component that is watched, is one.
 */
export function visitorOf(event: SinkEvent): string {
  const client = text(event, 'client_id');
  if (client !== undefined) return client;
  const user = userOf(event);
  if (user !== undefined) return hashed(['user', user]);
  return hashed(['program', ...PROGRAM.map((field) => text(event, field) ?? '')]);
}

const PROGRAM = [
  'clowder_instance',
  'client_kind',
  'source',
  'extractor_name',
  'component',
  'target',
] as const satisfies readonly KnownField[];

/** The user as the policy lets it through; undefined for none, and for Clowder v1's anonymous user. */
export function userOf(event: SinkEvent): string | undefined {
  const user = text(event, 'user_id');
  return user === undefined || isNobody(user) ? undefined : user;
}

/** A field as text; undefined if absent or blank. */
export function text(event: SinkEvent, field: string): string | undefined {
  const value = event.fields[field];
  if (value === undefined) return undefined;
  const written = String(value);
  return written.trim() === '' ? undefined : written;
}

/** The first `length` characters; a pair of surrogates is never torn. */
export function clip(value: string, length: number): string {
  if (value.length <= length) return value;
  const end = /[\uD800-\uDBFF]/.test(value.charAt(length - 1)) ? length - 1 : length;
  return value.slice(0, end);
}

/** 32 hex digits of what a list of texts is hashed to. */
export function hashed(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** Bytes of a value as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
