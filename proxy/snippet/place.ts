/** Where in a page the script goes: an offset; `later` if more of the page is needed; `nowhere` if it is not a whole page. */
export type Place = number | 'later' | 'nowhere';

/** How much of a page's beginning is searched. */
const LOOKED_AT = 64 * 1024;
/** Length of the longest word that must be recognised: `<html>`. */
const WORD = 6;
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/**
 * The place for a script: first in the head, or where a page without `<head>` would have one. Text that begins with neither
 * doctype, `html` nor `head` is a fragment of another page.
 *
 * @param text the beginning of the page, one character per byte; @param isAll whether the page ends there
 */
export function placeOf(text: string, isAll: boolean): Place {
  let at = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  let isPage = false;
  const wait = (): Place => (isAll || text.length > LOOKED_AT ? 'nowhere' : 'later');
  for (;;) {
    while (/\s/.test(text.charAt(at))) at += 1;
    const word = text.slice(at, at + WORD).toLowerCase();
    if (word.length < WORD && !isAll) return wait();
    let end: number;
    const isHead = /^<head[\s/>]/.test(word);
    if (word.startsWith('<!--')) end = endOf(text, '-->', at + 2);
    else if (/^<[!?]/.test(word)) end = endOf(text, '>', at);
    else if (isHead || /^<html[\s/>]/.test(word)) end = endOfTag(text, at);
    else return isPage ? at : 'nowhere';
    if (end === -1) return wait();
    isPage ||= isHead || /^<(?:html|!doct)/.test(word);
    if (isHead) return end;
    at = end;
  }
}

function endOf(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? -1 : found + mark.length;
}

/** The offset after the `>` that closes the tag, not one within an attribute. */
function endOfTag(text: string, from: number): number {
  let quote = '';
  for (let at = from; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return at + 1;
  }
  return -1;
}
