/** What AMQP 0-9-1 (4.2.5.3) allows a short string: routing key, message id and type are such strings. */
export const SHORT_STRING_BYTES = 255;

/** Whether a text fits a short string of AMQP; it is counted in bytes of UTF-8. */
export function fitsShortString(text: string): boolean {
  // A UTF-16 unit takes three bytes at most: what is this short need not be counted.
  return text.length * 3 <= SHORT_STRING_BYTES || Buffer.byteLength(text) <= SHORT_STRING_BYTES;
}

/** As much of a text as fits a short string, cut between characters. */
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
