import { parseJsonText } from '../../taxonomy/http/json-text.ts';
import type { Json } from '../../taxonomy/http/types.ts';

/**
 * The JSON in a body's text (JSONP unwrapped); undefined if there is none.
 *
 * @param isCut whether the text is only the beginning: then only a list is read, as far as it goes
 */
export function readJson(text: string, isCut: boolean): Json | undefined {
  const json = isCut ? completeList(text) : text;
  return json === undefined ? undefined : parseJsonText(json);
}

const QUOTE = 34;
const BACKSLASH = 92;

/** Clowder's answers hold their lists at the top or one level below; the rest is margin. */
const MAX_DEPTH = 8;

/**
 * The beginning of a JSON text, closed after the last whole element of its list, which is at the top or in an object:
 * `{"ids":[{"id":1},{"i` becomes `{"ids":[{"id":1}]}`. undefined if no list has a whole element.
 */
function completeList(text: string): string | undefined {
  const open: string[] = [];
  /** Nesting depth of the outermost open list; 0 outside a list. */
  let listDepth = 0;
  let end = 0;
  let closing = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at + 1);
    } else if (character === '[' || character === '{') {
      open.push(character === '[' ? ']' : '}');
      if (character === '[' && listDepth === 0) listDepth = open.length;
    } else if (character === ']' || character === '}') {
      open.pop();
      if (open.length < listDepth) listDepth = 0;
    } else if (character === ',' && listDepth > 0 && open.length === listDepth && listDepth <= MAX_DEPTH) {
      end = at;
      closing = open.toReversed().join('');
    }
  }
  return end === 0 ? undefined : text.slice(0, end) + closing;
}

function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}
