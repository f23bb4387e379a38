import type { Json } from '../../taxonomy/http/types.ts';
import { decodeBody } from './decode-body.ts';
import { readJson } from './read-json.ts';
import type { CaptureErrorCode } from './types.ts';

/** What was read of a body; `body` is absent if it could not be read. */
export interface BodyRead {
  readonly body?: Json;
  readonly error?: CaptureErrorCode;
  /** The body is longer than what was read of it. */
  readonly truncated?: true;
}

/** A decoded body may be at most this many times the limit on the encoded one. */
const MAX_EXPANSION = 4;

/** Keeps the beginning of a body as it passes, up to a limit. */
export class BodyReader {
  readonly #limit: number;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  #isCut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param chunk is kept, not copied: it must not change afterwards */
  push(chunk: Uint8Array): void {
    const room = this.#limit - this.#length;
    if (chunk.length > room) this.#isCut = true;
    if (room <= 0 || chunk.length === 0) return;
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#length += Math.min(chunk.length, room);
  }

  /** Decodes and parses what was kept, by the message's Content-Type and Content-Encoding. */
  read(contentType: string | undefined, contentEncoding: string | undefined): BodyRead {
    if (this.#length === 0) return {};
    const raw = Buffer.concat(this.#chunks, this.#length);
    const isCoded = contentEncoding !== undefined && !/^\s*(?:identity\s*)?$/i.test(contentEncoding);
    // The beginning of an encoded body cannot be decoded.
    if (this.#isCut && isCoded) return { error: 'body_too_large' };
    const decoded = decodeBody(raw, contentEncoding, this.#limit * MAX_EXPANSION);
    if (!decoded.ok) return { error: decoded.code };
    return readText(decoded.bytes.toString('utf8'), contentType, this.#isCut);
  }
}

const JSON_TYPE = /^\s*(?:application|text)\/(?:[\w.-]+\+)?json\b/i;
const SCRIPT_TYPE = /^\s*(?:application|text)\/(?:x-)?(?:java|ecma)script\b/i;
const FORM_TYPE = /^\s*application\/x-www-form-urlencoded\b/i;

function readText(text: string, contentType: string | undefined, isCut: boolean): BodyRead {
  const type = contentType ?? '';
  if (FORM_TYPE.test(type))
    return isCut ? { error: 'body_too_large' } : { body: fieldsToJson([...new URLSearchParams(text)]) };
  const isJson = JSON_TYPE.test(type) || SCRIPT_TYPE.test(type);
  const body = readJson(text, isCut);
  if (isCut) return { error: 'body_too_large', ...(body !== undefined && { body, truncated: true }) };
  if (body !== undefined) return { body };
  return isJson ? { error: 'malformed_json' } : { body: text };
}

/** Form fields by name; a repeated field has a list of all its values. */
export function fieldsToJson(fields: readonly (readonly [name: string, value: string])[]): Json {
  const values = new Map<string, string | string[]>();
  for (const [name, value] of fields) {
    const before = values.get(name);
    if (Array.isArray(before)) before.push(value);
    else values.set(name, before === undefined ? value : [before, value]);
  }
  return Object.fromEntries(values);
}
