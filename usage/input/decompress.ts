import { createReadStream, type ReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { COMPRESSIONS, compressionOf } from './compression.ts';
import { BrokenFileError } from './errors.ts';

/** A file's bytes, decompressed if needed. */
export interface OpenedFile {
  readonly bytes: Readable;
  /** The file itself. */
  readonly source: ReadStream;
  /** Name of the compression. */
  readonly compression?: string;
}

const READ_BYTES = 256 * 1024;

/**
 * Opens a file; its first bytes show its compression.
 *
 * @throws BrokenFileError if it cannot be read, or is not what its name says
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
  // Errors of both streams reach the reader.
  return { bytes: pipeline(source, found.stream(), () => undefined), source, compression: found.name };
}
