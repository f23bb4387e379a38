import type { ServerResponse } from 'node:http';

/** Tells NGINX which request the capture saw (docs/design.md, "Identity"). */
export const CAPTURED_HEADER = 'X-Clowder-Captured';

/** What `writeHead` takes as headers: an object, a flat list of names and values, or a list of pairs. */
function isHeaders(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The headers among the arguments of `writeHead(status[, reason][, headers])`. */
function givenHeaders(args: readonly unknown[]): object | undefined {
  const last = args[2] ?? args[1];
  return isHeaders(last) ? last : undefined;
}

/** The arguments of `writeHead` with our mark added to the headers in any form; unchanged if it is there already. */
export function withCapturedMark(
  response: ServerResponse,
  args: readonly unknown[],
  requestId: string,
): readonly unknown[] {
  if (headerOf(response, args, CAPTURED_HEADER.toLowerCase()) !== undefined) return args;
  const headers = givenHeaders(args);
  const rest = headers === undefined ? args.slice(0, 2) : args.slice(0, args.indexOf(headers));
  return [...rest, headersWithMark(headers ?? {}, requestId)];
}

/** A copy of the headers, in the same form, with our mark. */
export function headersWithMark(headers: object, requestId: string): object {
  if (!Array.isArray(headers)) return { ...headers, [CAPTURED_HEADER]: requestId };
  const pairs = Array.isArray(headers[0]);
  return pairs ? [...headers, [CAPTURED_HEADER, requestId]] : [...headers, CAPTURED_HEADER, requestId];
}

/**
 * A response header by lower-case name, after `writeHead` was called with these arguments: the first of several values, but all
 * of Set-Cookie, joined by ', '. (Node does not store headers given only to `writeHead`.)
 */
export function headerOf(response: ServerResponse, args: readonly unknown[], name: string): string | undefined {
  const headers = givenHeaders(args);
  const given = headers === undefined ? [] : valuesIn(headers, name);
  return told(name, given.length > 0 ? given : [response.getHeader(name)]);
}

/** A header from these, by the same rules. */
export function headerIn(headers: unknown, name: string): string | undefined {
  return isHeaders(headers) ? told(name, valuesIn(headers, name)) : undefined;
}

function told(name: string, values: readonly unknown[]): string | undefined {
  const texts = values.flat(2).flatMap((value) => text(value) ?? []);
  return name === 'set-cookie' && texts.length > 0 ? texts.join(', ') : texts[0];
}

/** All values of one name in these headers, whatever their form. */
function valuesIn(headers: object, name: string): unknown[] {
  if (!Array.isArray(headers))
    return Object.entries(headers).flatMap(([key, value]) => (key.toLowerCase() === name ? [value] : []));
  const list: unknown[] = Array.isArray(headers[0]) ? headers.flat() : headers;
  return list.flatMap((key, index) => (index % 2 === 0 && String(key).toLowerCase() === name ? [list[index + 1]] : []));
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}
