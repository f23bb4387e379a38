/** Longer than any event field may be, so the rest is never needed. */
export const TEXT_MAX = 40_000;

/**
 * Ids contain no control characters, which would end a line of a stream, log or table. The pattern works in JSON Schemas of any
 * language.
 */
// oxlint-disable-next-line no-control-regex
export const WITHOUT_CONTROL = /^[^\u0000-\u001f\u007f-\u009f]*$/;

/** Returns the beginning of a text, cut between characters. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, isHalf ? length - 1 : length);
}

/** Returns a text as events store it: bounded, and well-formed Unicode with U+FFFD for half a surrogate pair. */
export function asText(text: string): string {
  return cut(text, TEXT_MAX).toWellFormed();
}

/** Whether the text needs no such change; nearly all texts do not. */
export const isText = (text: string): boolean => text.length <= TEXT_MAX && text.isWellFormed();

/** Makes an old id with control characters safe to display. */
export function onOneLine(text: string): string {
  return WITHOUT_CONTROL.test(text) ? text : text.replace(/\p{Cc}/gu, '\ufffd');
}

/** Most characters shown of a value. */
const SHOWN_MAX = 1000;
const SHOWN_DEPTH = 8;

/** Returns the beginning of a value as JSON, with little work however deep or large the value is. */
export function previewOf(value: unknown): string {
  let text = '';
  const isFull = (): boolean => text.length >= SHOWN_MAX;
  const write = (one: unknown, depth: number): void => {
    if (typeof one === 'string') text += JSON.stringify(cut(one, SHOWN_MAX));
    else if (typeof one !== 'object' || one === null || one instanceof Uint8Array) text += wordOf(one);
    else if (depth === SHOWN_DEPTH) text += '…';
    else if (Array.isArray(one)) writeAll('[', one.keys(), (index) => write(one[index], depth + 1), ']');
    else writeAll('{', keysOf(one), (key) => writeMember(key, (one as Record<string, unknown>)[key], depth), '}');
  };
  const writeMember = (key: string, one: unknown, depth: number): void => {
    text += `${JSON.stringify(cut(key, SHOWN_MAX))}:`;
    write(one, depth + 1);
  };
  function writeAll<K>(open: string, keys: Iterable<K>, writeOne: (key: K) => void, close: string): void {
    text += open;
    let isFirst = true;
    for (const key of keys) {
      if (isFull()) return;
      if (!isFirst) text += ',';
      isFirst = false;
      writeOne(key);
    }
    text += close;
  }
  write(value, 0);
  return cut(text, SHOWN_MAX);
}

/** Yields keys without building a list, because there may be very many. */
function* keysOf(value: object): Generator<string> {
  for (const key in value) yield key;
}

function wordOf(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'bigint' ? String(Number(value)) : (JSON.stringify(value) ?? String(value));
}
