import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/** A body without its content codings, or why it could not be decoded. */
export type Decoded =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly code: 'malformed_encoding' | 'body_too_large' };

interface Bound {
  readonly maxOutputLength: number;
}

const DECODERS: Readonly<Record<string, (bytes: Buffer, bound: Bound) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateEither,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** More codings than this are treated as an attack. */
const MAX_CODINGS = 3;

/**
 * @param contentEncoding of the message; undefined for none (RFC 9110, section 8.4)
 * @param maxBytes bound of the decoded body
 */
export function decodeBody(body: Buffer, contentEncoding: string | undefined, maxBytes: number): Decoded {
  if (contentEncoding === undefined || contentEncoding === '') return { ok: true, bytes: body };
  const codings = contentEncoding.toLowerCase().split(',', MAX_CODINGS + 1);
  if (codings.length > MAX_CODINGS) return { ok: false, code: 'malformed_encoding' };
  let bytes = body;
  for (const coding of codings.toReversed()) {
    const decode = DECODERS[coding.trim()];
    if (decode === undefined) return { ok: false, code: 'malformed_encoding' };
    try {
      bytes = decode(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      return { ok: false, code: isTooLarge(error) ? 'body_too_large' : 'malformed_encoding' };
    }
  }
  return { ok: true, bytes };
}

/** `deflate` should have a zlib header, but often has none. */
function inflateEither(bytes: Buffer, bound: Bound): Buffer {
  // RFC 1950, section 2.2: method 8, and the first two bytes divide by 31.
  const [first = 0, second = 0] = bytes;
  const hasHeader = (first & 15) === 8 && (first * 256 + second) % 31 === 0;
  return hasHeader ? inflateSync(bytes, bound) : inflateRawSync(bytes, bound);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
