import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { UNFINISHED } from './names.ts';

/**
 * Replaces a file with its gzipped form. If the process is killed at any moment, one of the two exists in full.
 *
 * @throws the system's error, or the signal's
 */
export async function compressFile(path: string, signal: AbortSignal): Promise<void> {
  const target = `${path}.gz`;
  const unfinished = `${target}${UNFINISHED}`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(unfinished, { flush: true }), { signal });
  await rename(unfinished, target);
  await syncDirectory(dirname(path));
  await rm(path);
}

/** Syncs a directory: otherwise, a power cut may undo a change of names. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Returns the text of a gzipped file. */
export function unzipped(path: string): Readable {
  return createReadStream(path).pipe(createGunzip());
}
