import type { Transform } from 'node:stream';
import { constants, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { CollectorError } from '../errors.ts';

/** Inflated at once: a few pieces a body, and little beyond what is counted. */
const CHUNK = { chunkSize: 64 * 1024 };
/**
 * Largest window of zstd, as a power of 2: 32 MiB, what the Collector's exporter asks for at its best level. The memory of a
 * window is touched as bytes are decoded into it, and those are counted.
 */
const ZSTD_WINDOW_LOG_MAX = 25;

/** How bodies are compressed, and what inflates them. */
const INFLATERS = {
  identity: undefined,
  gzip: () => createGunzip(CHUNK),
  // The zlib format (RFC 9110, section 8.4.1.2).
  deflate: () => createInflate(CHUNK),
  zstd: () => createZstdDecompress({ ...CHUNK, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } }),
} as const satisfies Readonly<Record<string, (() => Transform) | undefined>>;

export type Coding = keyof typeof INFLATERS;

/** Those that are compressed, for messages and headers. */
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

/** @returns undefined where it is none that we know */
export function codingNamed(name: string): Coding | undefined {
  return BY_NAME.get(name.trim().toLowerCase());
}

/** What inflates a body of that coding; undefined where it is not compressed. */
export function inflaterOf(coding: Coding): Transform | undefined {
  return INFLATERS[coding]?.();
}

/** Whether the error is that of an inflater whose input was wrong. */
export function isOfInflater(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_)/.test(String(error.code));
}

/** @param header where the name stood */
export function unsupported(header: string, name: string): CollectorError {
  return new CollectorError(
    'unsupported_encoding',
    `${header} ${name.trim().slice(0, 100)} is not supported: send ${COMPRESSED.join(', ')}, or no compression`,
  );
}
