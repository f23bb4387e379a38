import { chmodSync, closeSync, openSync, statSync, type Stats } from 'node:fs';
import { errorText } from '../../runtime/error-text.ts';

/** Suffixes of a database and of SQLite's files beside it. SQLite makes them with the database's mode. */
const BESIDE = ['', '-wal', '-shm', '-journal'];

/**
 * The path of one of our files holds something else, or a file that cannot be opened. The message names it, and says what
 * to do.
 */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError';
  readonly code = 'unusable_file';
}

/**
 * Makes a file that only this user may read and write, or restricts an existing one, and SQLite's files beside it.
 * Another user's file is left alone.
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

/** The same for existing files only. @throws UnusableFileError */
export function takeFromOthers(path: string): void {
  for (const file of filesOf(path)) {
    try {
      chmodSync(file, 0o600);
    } catch {
      // Only the owner of a file may change its mode.
    }
  }
}

/** A file and SQLite's files beside it, as far as they exist. @throws UnusableFileError if one is not a file */
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

/** Undefined if nothing is there, or it cannot be inspected. */
function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** A full disk does not mean that the file is unusable. */
const isOfDisk = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOSPC';
