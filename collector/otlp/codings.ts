import type { Transform } from 'node:stream';
import { constants, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { CollectorError } from '../errors.ts';

/** Bytes inflated at once: few pieces per body, and little memory beyond what is counted. */
const CHUNK = { chunkSize: 64 * 1024 };
/**
 * Largest window of zstd, as a power of 2: 32 MiB, which the OTel Collector's exporter uses at its best level. A window
 * takes memory only as bytes are decoded into it, and those are counted.
 */
const ZSTD_WINDOW_LOG_MAX = 25;

/** Inflaters by coding. */
const INFLATERS = {
  identity: undefined,
  gzip: () => createGunzip(CHUNK),
  // The zlib format (RFC 9110, section 8.4.1.2).
  deflate: () => createInflate(CHUNK),
  zstd: () => createZstdDecompress({ ...CHUNK, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } }),
} as const satisfies Readonly<Record<string, (() => Transform) | undefined>>;

export type Coding = keyof typeof INFLATERS;

/** The codings that compress, for messages and headers. */
export const COMPRESSED: readonly Coding[] = ['gzip', 'zstd', 'deflate'];

/** By the name in Content-Encoding or grpc-encoding; `zlib` is the OTel Collector's name for deflate. */
const BY_NAME: ReadonlyMap<string, Coding> = new Map([
  ['', 'identity'],
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['zlib', 'deflate'],
  ['zstd', 'zstd'],
]);

/** @returns undefined if the coding is unknown */
export function codingNamed(name: string): Coding | undefined {
  return BY_NAME.get(name.trim().toLowerCase());
}

/** An inflater for a coding; undefined if the coding does not compress. */
export function inflaterOf(coding: Coding): Transform | undefined {
  return INFLATERS[coding]?.();
}

/** Whether an inflater threw the error because of wrong input. */
export function isOfInflater(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_)/.test(String(error.code));
}

/** @param header the header that held the name */
export function unsupported(header: string, name: string): CollectorError {
  return new CollectorError(
    'unsupported_encoding',
    `${header} ${name.trim().slice(0, 100)} is not supported: send ${COMPRESSED.join(', ')}, or no compression`,
  );
}
