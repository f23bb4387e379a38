import { chmodSync, closeSync, openSync, statSync, type Stats } from 'node:fs';
import { errorText } from '../../runtime/error-text.ts';

/** What SQLite keeps beside a database; it gives these files the mode of the database when it makes them. */
const BESIDE = ['', '-wal', '-shm', '-journal'];

/** Where a file of ours is to be stands something else, or a file that cannot be opened. The message names it, and what to do. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError';
  readonly code = 'unusable_file';
}

/**
 * Makes a file that this user alone may read and write where there is none, and takes what others may from one that is
 * there, with what SQLite keeps beside it. A file of another user stays as it is.
 *
 * @throws UnusableFileError
 */
export function makePrivate(path: string): void {
  takeFromOthers(path);
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (cause) {
    if (isOfDisk(cause)) throw cause;
    throw new UnusableFileError(
      `${path} cannot be opened (${errorText(cause)}): let the user of this process read and write it, or move it away`,
      { cause },
    );
  }
}

/** The same for what is there alone. @throws UnusableFileError */
export function takeFromOthers(path: string): void {
  for (const file of filesOf(path)) {
    try {
      chmodSync(file, 0o600);
    } catch {
      // Whose file it is may do so, and nobody else.
    }
  }
}

/** Those that are there of a file and what SQLite keeps beside it. @throws UnusableFileError where one is no file */
export function filesOf(path: string): readonly string[] {
  return BESIDE.map((suffix) => path + suffix).filter((file) => {
    const found = look(file);
    if (found !== undefined && !found.isFile())
      throw new UnusableFileError(
        `${file} is ${found.isDirectory() ? 'a directory' : 'something else'}, and not a file: move it away; the file is made anew`,
      );
    return found !== undefined;
  });
}

/** Undefined where there is nothing, or nothing that can be looked at. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** A full disk says nothing of the file. */
const isOfDisk = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOSPC';
