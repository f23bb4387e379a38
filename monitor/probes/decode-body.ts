import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';

/** Content codings (RFC 9110, 8.4.1; RFC 8878). */
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: () => createZstdDecompress(),
};

/**
 * The body of an answer as it was before it was coded.
 *
 * @throws Error, while it is read, where it is not what its Content-Encoding says
 */
export async function* decodedBody(response: IncomingMessage): AsyncGenerator<Buffer> {
  const codings = (response.headers['content-encoding'] ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  let body: AsyncIterable<Buffer> = response;
  for (const coding of codings.toReversed()) {
    const decoder = DECODERS[coding];
    if (decoder === undefined) throw new Error(`the answer is coded as ${coding}, which the monitor does not know`);
    body = through(body, decoder(), coding);
  }
  yield* body;
}

/** An answer to HEAD, or a 304, has no body to decode: no byte is no broken coding. */
async function* through(body: AsyncIterable<Buffer>, decoder: Transform, coding: string): AsyncGenerator<Buffer> {
  let bytes = 0;
  let failed: unknown;
  const fed = (async () => {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (!decoder.write(chunk)) await new Promise((resolve) => decoder.once('drain', resolve).once('close', resolve));
      if (decoder.destroyed) return;
    }
    decoder.end();
  })().catch((error: unknown) => {
    failed = error;
    decoder.destroy();
  });
  try {
    yield* decoder as AsyncIterable<Buffer>;
  } catch (error) {
    if (failed !== undefined) throw failed;
    if (bytes > 0) throw new Error(`the answer is not ${coding}, as it says`, { cause: error });
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

/** A body as text: by its byte order mark, which is no part of it, else by the charset of its Content-Type, else UTF-8. */
export function textOf(body: Buffer, { 'content-type': type = '' }: IncomingHttpHeaders): string {
  const marked = BYTE_ORDER_MARKS.find(([, mark]) => mark.every((byte, index) => body[index] === byte))?.[0];
  const charset = marked ?? /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(type)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(charset).decode(body);
  } catch {
    // A charset that nobody knows.
    return new TextDecoder().decode(body);
  }
}
