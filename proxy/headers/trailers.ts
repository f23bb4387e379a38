/** Fields that would change how the preceding message is read (RFC 9110, section 6.5.1). */
const NO_TRAILER: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'host',
  'trailer',
  'connection',
  'te',
  'upgrade',
]);

/** The trailers to pass on, as lines each ended by CRLF. @param rawTrailers alternating names and values */
export function trailerLines(rawTrailers: readonly string[]): string {
  let lines = '';
  for (const [name, value] of trailerPairs(rawTrailers)) lines += `${name}: ${value}\r\n`;
  return lines;
}

/** The trailers to pass on, as pairs. */
export function trailerPairs(raw: readonly string[]): [string, string][] {
  const entries: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? '';
    if (!NO_TRAILER.has(name.toLowerCase())) entries.push([name, raw[i + 1] ?? '']);
  }
  return entries;
}
