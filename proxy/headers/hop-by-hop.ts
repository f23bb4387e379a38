/**
 * Headers that concern one connection, not the message (RFC 9110, section 7.6.1). Includes Transfer-Encoding, as each side
 * frames its own messages.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Headers that the Connection header cannot remove: without them the message would change its meaning or its sender. */
const END_TO_END: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'authorization',
  'cookie',
  'set-cookie',
  'content-type',
  'content-encoding',
  'cache-control',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'forwarded',
  'traceparent',
  'tracestate',
]);

/** @param name in lower case */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

/** Names that the Connection header declares hop-by-hop, in lower case; undefined if there are none. */
export function connectionOptions(rawHeaders: readonly string[]): ReadonlySet<string> | undefined {
  let options: Set<string> | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = (rawHeaders[i + 1] ?? '').toLowerCase();
    if (value === 'keep-alive' || value === 'close') continue;
    options ??= new Set();
    for (const option of value.split(',')) {
      const trimmed = option.trim();
      if (!END_TO_END.has(trimmed)) options.add(trimmed);
    }
  }
  return options;
}

/** Whether the Connection header has the option. @param option in lower case */
export function hasConnectionOption(value: string | undefined, option: string): boolean {
  return (
    value !== undefined &&
    value
      .toLowerCase()
      .split(',')
      .some((one) => one.trim() === option)
  );
}
