/** Longest short string in AMQP 0-9-1 (4.2.5.3). Routing key, message id and type are short strings. */
export const SHORT_STRING_BYTES = 255;

/** Whether a text fits an AMQP short string, in bytes of UTF-8. */
export function fitsShortString(text: string): boolean {
  // A UTF-16 unit takes at most three bytes, so shorter texts need no count.
  return text.length * 3 <= SHORT_STRING_BYTES || Buffer.byteLength(text) <= SHORT_STRING_BYTES;
}

/** Cuts a text between characters to fit a short string. */
export function cutToShortString(text: string): string {
  const whole = text.toWellFormed();
  if (fitsShortString(whole)) return whole;
  let bytes = 0;
  let cut = '';
  for (const character of whole) {
    bytes += Buffer.byteLength(character);
    if (bytes > SHORT_STRING_BYTES) break;
    cut += character;
  }
  return cut;
}
