/**
 * Characters that move a terminal's cursor, change colours, ring, or reverse the writing direction: control characters
 * (C0, C1), line separators, bidi.
 */
export const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Their replacement. */
export const REPLACEMENT = '\ufffd';

/** A text of several lines that is safe for a terminal, whoever wrote it. */
export function safeLines(text: string): string {
  return text.toWellFormed().replace(UNSAFE, (one) => (one === '\n' ? one : REPLACEMENT));
}
