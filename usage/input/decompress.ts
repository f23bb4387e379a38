import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { InputError } from './errors.ts';

interface Compression {
  readonly name: string;
  readonly ending: string;
  readonly magic: Buffer;
  readonly stream: () => Transform;
}

const COMPRESSIONS: readonly Compression[] = [
  { name: 'gzip', ending: '.gz', magic: Buffer.from([0x1f, 0x8b]), stream: () => createGunzip() },
  { name: 'zstd', ending: '.zst', magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), stream: () => createZstdDecompress() },
];
const MAGIC_BYTES = 4;

/** A file as bytes, inflated where it is compressed. */
export interface OpenedFile {
  readonly bytes: Readable;
  /** How it is compressed. */
  readonly compression?: string;
}

/**
 * Opens a file; what it begins with tells how it is compressed.
 *
 * @throws InputError where it cannot be read, or is not what it is named
 */
export async function openFile(path: string): Promise<OpenedFile> {
  const begin = await beginOf(path);
  const found = COMPRESSIONS.find(({ magic }) => begin.subarray(0, magic.length).equals(magic));
  const named = COMPRESSIONS.find(({ ending }) => path.endsWith(ending));
  if (named !== undefined && found !== named)
    throw new InputError(
      'bad_input',
      `${path} is named as ${named.name} and is none${begin.length === 0 ? ': it is empty' : ''}`,
    );
  const source = createReadStream(path);
  if (found === undefined) return { bytes: source };
  // What goes wrong with either comes to whoever reads.
  return { bytes: pipeline(source, found.stream(), () => undefined), compression: found.name };
}

async function beginOf(path: string): Promise<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw InputError.unreadable(path, cause);
  }
}
