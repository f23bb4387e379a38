import { createReadStream, type ReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { COMPRESSIONS, compressionOf } from './compression.ts';
import { BrokenFileError } from './errors.ts';

/** A file as bytes, inflated where it is compressed. */
export interface OpenedFile {
  readonly bytes: Readable;
  /** The file itself. */
  readonly source: ReadStream;
  /** How it is compressed. */
  readonly compression?: string;
}

const READ_BYTES = 256 * 1024;

/**
 * Opens a file; what it begins with tells how it is compressed.
 *
 * @throws BrokenFileError where it cannot be read, or is not what it is named
 */
export async function openFile(path: string): Promise<OpenedFile> {
  const { isEmpty, found } = await compressionOf(path).catch((cause: unknown) => {
    throw BrokenFileError.unreadable(path, cause);
  });
  const named = COMPRESSIONS.find(({ ending }) => path.endsWith(ending));
  if (named !== undefined && found !== named)
    throw new BrokenFileError(
      'bad_input',
      `${path} has a name that ends as one of ${named.name}, but is not ${named.name}${isEmpty ? ': it is empty' : ''}`,
    );
  const source = createReadStream(path, { highWaterMark: READ_BYTES });
  if (found === undefined) return { bytes: source, source };
  // What goes wrong with either comes to whoever reads.
  return { bytes: pipeline(source, found.stream(), () => undefined), source, compression: found.name };
}
