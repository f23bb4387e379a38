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

/** How the body of an answer is read, and written again. */
export interface Codec {
  readonly decode: () => readonly Transform[];
  readonly encode: () => readonly Transform[];
}

const GZIP: Codec = {
  decode: () => [createGunzip()],
  // What Clowder has sent is not kept back: a page may come in pieces.
  encode: () => [createGzip({ flush: constants.Z_SYNC_FLUSH })],
};

/** By Content-Encoding. `deflate` is two formats, of which a browser takes either: it is left as it is. */
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

/** @param coding of the answer; @returns undefined for one that is not known, or several */
export function codecOf(coding = ''): Codec | undefined {
  return CODECS.get(coding.trim().toLowerCase());
}
