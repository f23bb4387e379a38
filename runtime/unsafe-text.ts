/** What moves a terminal's cursor, colours, rings, or turns the direction of writing: control characters (C0, C1), line separators, bidi. */
export const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** What stands in their place. */
export const REPLACEMENT = '\ufffd';

/** A text of several lines as a terminal may be given it, whoever wrote it. */
export function safeLines(text: string): string {
  return text.toWellFormed().replace(UNSAFE, (one) => (one === '\n' ? one : REPLACEMENT));
}
