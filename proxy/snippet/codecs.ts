import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliCompress,
  createBrotliDecompress,
  createGunzip,
  createGzip,
  createZstdCompress,
  createZstdDecompress,
} from 'node:zlib';

/** How an answer's body is decoded, and encoded again. */
export interface Codec {
  readonly decode: () => readonly Transform[];
  readonly encode: () => readonly Transform[];
}

const GZIP: Codec = {
  decode: () => [createGunzip()],
  // Flushes every piece that Clowder sends: a page may arrive in pieces.
  encode: () => [createGzip({ flush: constants.Z_SYNC_FLUSH })],
};

/** By Content-Encoding. `deflate` is left alone: it names two formats, and browsers accept either. */
const CODECS: ReadonlyMap<string, Codec> = new Map([
  ['', { decode: () => [], encode: () => [] }],
  ['identity', { decode: () => [], encode: () => [] }],
  ['gzip', GZIP],
  ['x-gzip', GZIP],
  [
    'br',
    {
      decode: () => [createBrotliDecompress()],
      encode: () => [
        createBrotliCompress({
          flush: constants.BROTLI_OPERATION_FLUSH,
          params: { [constants.BROTLI_PARAM_QUALITY]: 4 },
        }),
      ],
    },
  ],
  [
    'zstd',
    {
      decode: () => [createZstdDecompress()],
      encode: () => [createZstdCompress({ flush: constants.ZSTD_e_flush })],
    },
  ],
]);

/** @param coding of the answer; @returns undefined if it is unknown or lists several */
export function codecOf(coding = ''): Codec | undefined {
  return CODECS.get(coding.trim().toLowerCase());
}
