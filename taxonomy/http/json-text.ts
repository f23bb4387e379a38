import type { Json } from './types.ts';

/** `callback({…});`, as v1 answers `?callback=` (JSONP), with or without the guard of older browsers before it. */
const WRAPPED = /^(?:\/\*\*\/)?\s*[\w$.]+\s*\(/;

/** The JSON in a text, without the callback that it may be wrapped in; undefined if there is none. */
export function parseJsonText(text: string): Json | undefined {
  const trimmed = text.trim();
  const json = WRAPPED.test(trimmed)
    ? trimmed.slice(trimmed.indexOf('(') + 1, trimmed.lastIndexOf(')')).trim()
    : trimmed;
  try {
    return JSON.parse(json) as Json;
  } catch {
    return undefined;
  }
}
