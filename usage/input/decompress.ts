import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { COMPRESSIONS, compressionOf } from './compression.ts';
import { InputError } from './errors.ts';

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
  const { isEmpty, found } = await compressionOf(path).catch((cause: unknown) => {
    throw InputError.unreadable(path, cause);
  });
  const named = COMPRESSIONS.find(({ ending }) => path.endsWith(ending));
  if (named !== undefined && found !== named)
    throw new InputError('bad_input', `${path} is named as ${named.name} and is none${isEmpty ? ': it is empty' : ''}`);
  const source = createReadStream(path);
  if (found === undefined) return { bytes: source };
  // What goes wrong with either comes to whoever reads.
  return { bytes: pipeline(source, found.stream(), () => undefined), compression: found.name };
}
