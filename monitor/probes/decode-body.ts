import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';

/** Creates the decoder for a body that starts with these bytes. */
type DecoderOf = (first: Buffer) => Transform;

/** Content codings (RFC 9110, 8.4.1; RFC 8878). */
const DECODERS: Readonly<Record<string, DecoderOf>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  // Should have a zlib header (RFC 1950, 2.2: method 8), but often does not.
  deflate: ([first = 0]) => ((first & 15) === 8 ? createInflate() : createInflateRaw()),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress(),
};

/**
 * The decoded body of an answer.
 *
 * @throws Error while it is read, if it does not match its Content-Encoding
 */
export async function* decodedBody(response: IncomingMessage): AsyncGenerator<Buffer> {
  const codings = (response.headers['content-encoding'] ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  let body: AsyncIterable<Buffer> = response;
  for (const coding of codings.toReversed()) {
    const decoderOf = DECODERS[coding];
    if (decoderOf === undefined) throw new Error(`the answer is coded as ${coding}, which the monitor does not know`);
    body = through(body, decoderOf, coding);
  }
  yield* body;
}

/** An answer to HEAD, or a 304, has no body to decode: an empty body is not a broken one. */
async function* through(body: AsyncIterable<Buffer>, decoderOf: DecoderOf, coding: string): AsyncGenerator<Buffer> {
  const chunks = body[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const decoder = decoderOf(first.value);
  let failed: unknown;
  async function* source(): AsyncGenerator<Buffer> {
    try {
      for (let next = first; next.done !== true; next = await chunks.next()) yield next.value;
    } catch (error) {
      failed = error;
      throw error;
    } finally {
      await chunks.return?.();
    }
  }
  // The decoder reports failures.
  const fed = pipeline(source(), decoder).catch(() => undefined);
  try {
    yield* decoder as AsyncIterable<Buffer>;
  } catch (error) {
    throw failed ?? new Error(`the answer is not ${coding}, as it says`, { cause: error });
  } finally {
    decoder.destroy();
  }
  await fed;
}

const BYTE_ORDER_MARKS = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
] as const;

/**
 * A body as text: by its byte order mark, which is removed, otherwise by the charset of its Content-Type, otherwise
 * UTF-8.
 */
export function textOf(body: Buffer, { 'content-type': type = '' }: IncomingHttpHeaders): string {
  const marked = BYTE_ORDER_MARKS.find(([, mark]) => mark.every((byte, index) => body[index] === byte))?.[0];
  const charset = marked ?? /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    // An unknown charset.
    return new TextDecoder().decode(body);
  }
}
