import type { Json } from './types.ts';

/** `callback({…});`, v1's answer to `?callback=` (JSONP), with or without the guard for older browsers before it. */
const WRAPPED = /^(?:\/\*\*\/)?\s*[\w$.]+\s*\(/;

/** Parses the JSON in a text, without any callback around it; undefined if there is none. */
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
