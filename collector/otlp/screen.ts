import { ACCESS_ATTRIBUTES, decidesAccess } from '../connections/access-line.ts';
import type { Ranges } from './values.ts';
import { BYTES, type WireReader } from './wire.ts';

/** Decides whether a record is decoded at all. */
export interface Screen {
  /** Whether a request could make an event. */
  request(method: string, path: string): boolean;
  /** Whether a metric is a health reading. */
  metric(name: string): boolean;
  /** Whether all records of access logs are wanted, even those that make no event. */
  readonly accessLog?: boolean;
}

/** Prefix of the names of explicit events. */
export const EXPLICIT_PREFIX = 'clowder.';

const METHODS: readonly string[] = ['http.request.method', 'http.method'];
const PATHS: readonly string[] = ['url.path', 'http.target', 'http.url', 'url.full'];
/** By the length of the key, so that most attributes cost one lookup. */
const BY_LENGTH = Map.groupBy([...METHODS, ...PATHS], (name) => name.length);
const CANDIDATES: readonly (readonly string[] | undefined)[] = Array.from({ length: 20 }, (_, length) =>
  BY_LENGTH.get(length),
);

/** Whether the attributes describe a request that could make an event. Reads only the few keys that decide. */
export function screenRequest(reader: WireReader, ranges: Ranges, screen: Screen): boolean {
  let method: string | undefined;
  let path: string | undefined;
  for (let index = 0; index < ranges.length; index += 2) {
    const from = ranges[index] ?? 0;
    const end = ranges[index + 1] ?? 0;
    if (!toKey(reader, from, end)) continue;
    const names = CANDIDATES[reader.stop - reader.start];
    const name = names?.find((one) => reader.startsWith(one));
    if (name === undefined) continue;
    const value = stringValue(reader, from, end);
    if (METHODS.includes(name)) method ??= value;
    else path ??= value;
    if (method !== undefined && path !== undefined) return screen.request(method, pathOf(path));
  }
  return false;
}

const ACCESS_BY_LENGTH: readonly (readonly string[] | undefined)[] = Array.from(
  { length: Math.max(...ACCESS_ATTRIBUTES.map((name) => name.length)) + 1 },
  (_, length) => {
    const names = ACCESS_ATTRIBUTES.filter((name) => name.length === length);
    return names.length === 0 ? undefined : names;
  },
);

/** The ranges of the attributes that counting needs; none if the record is not one of an access log. */
export function screenAccess(reader: WireReader, ranges: Ranges): Ranges {
  const found: Ranges = [];
  let isAccess = false;
  for (let index = 0; index < ranges.length; index += 2) {
    const from = ranges[index] ?? 0;
    const end = ranges[index + 1] ?? 0;
    if (!toKey(reader, from, end)) continue;
    const name = ACCESS_BY_LENGTH[reader.stop - reader.start]?.find((one) => reader.startsWith(one));
    if (name === undefined) continue;
    isAccess ||= decidesAccess(name);
    found.push(from, end);
  }
  return isAccess ? found : [];
}

/** Whether the attribute `event.name`, the deprecated form of an event's name, names an explicit event. */
export function namesExplicit(reader: WireReader, ranges: Ranges): boolean {
  for (let index = 0; index < ranges.length; index += 2) {
    const from = ranges[index] ?? 0;
    const end = ranges[index + 1] ?? 0;
    if (toKey(reader, from, end) && reader.equals('event.name'))
      return toString(reader, from, end) && reader.startsWith(EXPLICIT_PREFIX);
  }
  return false;
}

/** Moves to the key of a `KeyValue`, which is usually, but not always, its first field. */
function toKey(reader: WireReader, from: number, end: number): boolean {
  return toField(reader, from, end, 1);
}

/** Moves to the value of a `KeyValue` if it is a text. */
function toString(reader: WireReader, from: number, end: number): boolean {
  return toField(reader, from, end, 2) && toField(reader, reader.start, reader.stop, 1);
}

function toField(reader: WireReader, from: number, end: number, field: number): boolean {
  reader.reset(from, end);
  while (reader.next()) if (reader.field === field && reader.type === BYTES) return true;
  return false;
}

function stringValue(reader: WireReader, from: number, end: number): string | undefined {
  return toString(reader, from, end) ? reader.text() : undefined;
}

/** The path of a target or of a whole URL, without query. */
export function pathOf(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return upTo(upTo(path, '?'), '#') || '/';
}

function upTo(text: string, mark: string): string {
  const end = text.indexOf(mark);
  return end === -1 ? text : text.slice(0, end);
}
