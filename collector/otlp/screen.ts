import { WireReader } from './wire.ts';
import type { Ranges } from './values.ts';

/** What decides whether a record is decoded at all. */
export interface Screen {
  /** Whether a request could make an event. */
  request(method: string, path: string): boolean;
  /** Whether a metric is a health reading. */
  metric(name: string): boolean;
}

/** Names of explicit events begin so. */
export const EXPLICIT_PREFIX = 'clowder.';

/** Lengths: 19 and 11. */
const METHODS = ['http.request.method', 'http.method'];
/** Lengths: 8, 11, 8 and 8. */
const PATHS = ['url.path', 'http.target', 'http.url', 'url.full'];

/** Whether the attributes tell of a request that could make an event; reads the few keys that decide, and no others. */
export function screenRequest(reader: WireReader, ranges: Ranges, screen: Screen): boolean {
  let method: string | undefined;
  let path: string | undefined;
  for (let index = 0; index < ranges.length; index += 2) {
    reader.reset(ranges[index] ?? 0, ranges[index + 1] ?? 0);
    if (!reader.next() || reader.field !== 1) continue;
    const length = reader.stop - reader.start;
    if (length !== 8 && length !== 11 && length !== 19) continue; // no key below has another length
    if (method === undefined && METHODS.some((name) => reader.equals(name))) method = stringValue(reader);
    else if (path === undefined && PATHS.some((name) => reader.equals(name))) path = stringValue(reader);
    if (method !== undefined && path !== undefined) return screen.request(method, pathOf(path));
  }
  return false;
}

function stringValue(reader: WireReader): string | undefined {
  if (!reader.next() || reader.field !== 2) return undefined;
  reader.reset(reader.start, reader.stop);
  return reader.next() && Number(reader.field) === 1 ? reader.text() : undefined;
}

/** The path of a target, or of a whole URL. */
export function pathOf(target: string): string {
  const scheme = target.indexOf('://');
  const from = scheme === -1 ? 0 : target.indexOf('/', scheme + 3);
  if (from === -1) return '/';
  const mark = target.indexOf('?', from);
  return mark === -1 ? target.slice(from) : target.slice(from, mark);
}
