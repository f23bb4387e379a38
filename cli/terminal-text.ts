/** What moves the cursor, colours, rings, or turns the direction of writing: control characters (C0, C1), line separators, bidi. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** A text as a terminal may be given it, whoever wrote it; on one line. */
export function terminalText(text: string): string {
  return text.toWellFormed().replace(UNSAFE, '\ufffd');
}

/** JSON of the same value, with escapes in place of what a terminal would heed: a pipe may end at one. */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
