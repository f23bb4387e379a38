import stringWidth from 'string-width';
import { REPLACEMENT, UNSAFE } from '../runtime/unsafe-text.ts';

const ELLIPSIS = '…';
/** No readable character has more code units; longer text is cut before it is measured. */
const UNITS_A_CELL = 32;
const characters = new Intl.Segmenter();

/** Text that is safe on a terminal, whoever wrote it, on one line. */
export function terminalText(text: string): string {
  return text.toWellFormed().replace(UNSAFE, REPLACEMENT);
}

/** JSON of the same value, with control characters escaped: a pipe may end at a terminal. */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Longer than any terminal is wide: an exact width does not matter. */
const LONG = 4096;

/** The number of terminal cells that a text takes: two for a wide character, none for a combining one. */
export function widthOf(text: string): number {
  return text.length > LONG || /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

/** Text of at most `width` cells; longer text is cut between characters and ends in an ellipsis. */
export function cutTo(text: string, width: number): string {
  const start = text.slice(0, (width + 1) * UNITS_A_CELL);
  if (start.length === text.length && widthOf(text) <= width) return text;
  let [cut, taken] = ['', widthOf(ELLIPSIS)];
  for (const { segment } of characters.segment(start)) {
    taken += widthOf(segment);
    if (taken > width) break;
    cut += segment;
  }
  return cut + ELLIPSIS;
}

/** Text padded to at least `width` cells. */
export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}
