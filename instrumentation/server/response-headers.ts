import type { ServerResponse } from 'node:http';

/** Tells NGINX which request it was that the capture saw (docs/design.md, "Identity"). */
const CAPTURED_HEADER = 'X-Clowder-Captured';

/** What `writeHead` takes as headers: an object, a flat list of names and values, or a list of pairs. */
function isHeaders(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** The headers among the arguments of `writeHead(status[, reason][, headers])`. */
function givenHeaders(args: readonly unknown[]): object | undefined {
  const last = args[2] ?? args[1];
  return isHeaders(last) ? last : undefined;
}

/** The arguments of `writeHead` with our mark among the headers, whatever their form; unchanged where it is there. */
export function withCapturedMark(
  response: ServerResponse,
  args: readonly unknown[],
  requestId: string,
): readonly unknown[] {
  if (headerOf(response, args, CAPTURED_HEADER.toLowerCase()) !== undefined) return args;
  const headers = givenHeaders(args);
  const rest = headers === undefined ? [...args] : args.slice(0, args.indexOf(headers));
  if (!Array.isArray(headers)) return [...rest, { ...headers, [CAPTURED_HEADER]: requestId }];
  const pairs = Array.isArray(headers[0]);
  return [...rest, pairs ? [...headers, [CAPTURED_HEADER, requestId]] : [...headers, CAPTURED_HEADER, requestId]];
}

/**
 * The response's header by lower-case name, the first of several, after `writeHead` was called with these arguments.
 * (Node does not keep headers that are given to `writeHead` alone.)
 */
export function headerOf(response: ServerResponse, args: readonly unknown[], name: string): string | undefined {
  const headers = givenHeaders(args);
  return text((headers && findHeader(headers, name)) ?? response.getHeader(name));
}

function findHeader(headers: object, name: string): unknown {
  if (!Array.isArray(headers)) {
    for (const [key, value] of Object.entries(headers)) if (key.toLowerCase() === name) return value;
    return undefined;
  }
  const list: unknown[] = Array.isArray(headers[0]) ? headers.flat() : headers;
  for (let index = 0; index < list.length; index += 2) {
    if (String(list[index]).toLowerCase() === name) return list[index + 1];
  }
  return undefined;
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return Array.isArray(value) ? text(value[0]) : undefined;
}
