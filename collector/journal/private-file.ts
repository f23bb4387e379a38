import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';

/** What SQLite keeps beside a database; it gives these files the mode of the database when it makes them. */
const BESIDE = ['', '-wal', '-shm', '-journal'];

/**
 * Makes a file that this user alone may read and write where there is none, and takes what others may from one that is
 * there, with what SQLite keeps beside it. A file of another user stays as it is.
 */
export function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  takeFromOthers(path);
}

/** The same for what is there alone. */
export function takeFromOthers(path: string): void {
  for (const suffix of BESIDE) {
    if (!existsSync(path + suffix)) continue;
    try {
      chmodSync(path + suffix, 0o600);
    } catch {
      // Whose file it is may do so, and nobody else.
    }
  }
}
