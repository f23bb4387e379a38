/** What one Set-Cookie says (RFC 6265, section 5.2). */
export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** By lower-case name; of a name that comes twice, the last. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** Undefined where it sets no cookie. */
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

/** Several of them, joined by commas. (The date of Expires has a comma too, and no `=` after it.) */
export const readSetCookies = (joined: string): readonly SetCookie[] =>
  joined.split(/,(?=\s*[^\s,;=]+=)/).flatMap((line) => readSetCookie(line) ?? []);

/** Whether it deletes the cookie. */
export function isOver({ attributes }: SetCookie, nowMs: number): boolean {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Number(maxAge) <= 0;
  const expires = attributes.get('expires');
  // What has no time of day is no date, as browsers read it.
  return expires !== undefined && /\d:\d+:\d/.test(expires) && Date.parse(expires) <= nowMs;
}
