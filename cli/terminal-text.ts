import stringWidth from 'string-width';
import { REPLACEMENT, UNSAFE } from '../runtime/unsafe-text.ts';

const ELLIPSIS = '…';
/** No character that people read has more code units; what has more is cut before it is measured. */
const UNITS_A_CELL = 32;
const characters = new Intl.Segmenter();

/** A text as a terminal may be given it, whoever wrote it; on one line. */
export function terminalText(text: string): string {
  return text.toWellFormed().replace(UNSAFE, REPLACEMENT);
}

/** JSON of the same value, with escapes in place of what a terminal would heed: a pipe may end at one. */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Longer than any terminal is wide: nobody needs to know it exactly. */
const LONG = 4096;

/** How many cells of a terminal a text takes: of a wide character two, of a combining one none. */
export function widthOf(text: string): number {
  return text.length > LONG || /^[ -~]*$/.test(text) ? text.length : stringWidth(text);
}

/** A text in so many cells, cut between characters and with an ellipsis where it is longer. */
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

/** A text in exactly so many cells. */
export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}
