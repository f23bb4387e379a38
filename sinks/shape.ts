import { createHash } from 'node:crypto';
import type { KnownField } from './event/field-classes.ts';
import { isNobody } from './event/privacy.ts';
import type { SinkEvent } from './sink.ts';

/** Shared by web analytics sinks: whom an event is counted for, and fields that they do not need. */

/** Names that only repeat others for Clowder v1's consumers: they duplicate `event`, `resource_type` and `bytes`. */
export const V1_NAMES = ['category', 'type', 'size'] as const satisfies readonly KnownField[];

/**
 * Returns whom an event is counted for, if a service wants a device or visitor: the client's keyed hash in the event, which
 * changes daily, or else a hash of the user. Events without a person count for the program behind them, such as each extractor
 * or each monitored component.
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

/** Returns the user that the policy lets through; undefined if none, or for Clowder v1's anonymous user. */
export function userOf(event: SinkEvent): string | undefined {
  const user = text(event, 'user_id');
  return user === undefined || isNobody(user) ? undefined : user;
}

/** Returns a field as text; undefined if absent or blank. */
export function text(event: SinkEvent, field: string): string | undefined {
  const value = event.fields[field];
  if (value === undefined) return undefined;
  const written = String(value);
  return written.trim() === '' ? undefined : written;
}

/** Returns the first `length` characters, without splitting a surrogate pair. */
export function clip(value: string, length: number): string {
  if (value.length <= length) return value;
  const end = /[\uD800-\uDBFF]/.test(value.charAt(length - 1)) ? length - 1 : length;
  return value.slice(0, end);
}

/** Returns 32 hex digits of the hash of a list of texts. */
export function hashed(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** Returns the bytes of a value as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
