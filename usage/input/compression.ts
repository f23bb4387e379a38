import { open } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

export interface Compression {
  readonly name: string;
  readonly ending: string;
  readonly magic: Buffer;
  readonly stream: () => Transform;
}

const READ = { chunkSize: 256 * 1024 };
export const COMPRESSIONS: readonly Compression[] = [
  { name: 'gzip', ending: '.gz', magic: Buffer.from([0x1f, 0x8b]), stream: () => createGunzip(READ) },
  {
    name: 'zstd',
    ending: '.zst',
    magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    stream: () => createZstdDecompress(READ),
  },
];
const MAGIC_BYTES = 4;

/**
 * A file's first bytes show its compression, whatever its name.
 *
 * @throws Error from the file system
 */
export async function compressionOf(
  path: string,
): Promise<{ readonly isEmpty: boolean; readonly found?: Compression }> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0);
    const begin = buffer.subarray(0, bytesRead);
    const found = COMPRESSIONS.find(({ magic }) => begin.subarray(0, magic.length).equals(magic));
    return { isEmpty: bytesRead === 0, ...(found !== undefined && { found }) };
  } finally {
    await file.close();
  }
}
