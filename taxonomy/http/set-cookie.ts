/** The content of one Set-Cookie header (RFC 6265, section 5.2). */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** By lower-case name; the last one counts if a name is repeated. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** Returns undefined if the line sets no cookie. */
export function readSetCookie(line: string): SetCookie | undefined {
  const [pair = '', ...rest] = line.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, equals)).trim();
  if (name === '') return undefined;
  const attributes = new Map(
    rest.map((one) => {
      const [key = '', ...value] = one.split('=');
      return [key.trim().toLowerCase(), value.join('=').trim()] as const;
    }),
  );
  return { name, value: pair.slice(equals + 1).trim(), attributes };
}

/** Reads several headers joined by commas. (The date in Expires also has a comma, but no `=` follows it.) */
export const readSetCookies = (joined: string): readonly SetCookie[] =>
  joined.split(/,(?=\s*[^\s,;=]+=)/).flatMap((line) => readSetCookie(line) ?? []);

/** Whether the header deletes the cookie. */
export function isOver({ attributes }: SetCookie, nowMs: number): boolean {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Number(maxAge) <= 0;
  const expires = attributes.get('expires');
  // Browsers ignore a date without a time of day.
  return expires !== undefined && /\d:\d+:\d/.test(expires) && Date.parse(expires) <= nowMs;
}
