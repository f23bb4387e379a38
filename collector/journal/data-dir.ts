import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from '../../runtime/directory.ts';
import { errorText } from '../../runtime/error-text.ts';
import { giveUpWhereNothingIsLeft } from './ballast.ts';
import { diskFilesOf } from './disk-files.ts';
import { isDamage, LOCK_CURE, naming } from './damage.ts';
import { makePrivate, takeFromOthers, UnusableFileError } from './private-file.ts';

/** DATA_DIR cannot be used: `data_dir_not_writable` or `data_dir_in_use`. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';
  readonly code: 'data_dir_not_writable' | 'data_dir_in_use';

  constructor(code: 'data_dir_not_writable' | 'data_dir_in_use', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const LOCK_FILE = 'lock.db';
const SQLITE_BUSY = 5;
/** Keeps databases referenced: otherwise garbage collection would close them and release their locks. */
const locked = new Set<DatabaseSync>();

export interface DataDirLock {
  release(): void;
}

/**
 * Makes the directory if it is missing, and locks it for this process. The lock is SQLite's, on a separate file: the
 * system releases it when the process ends, however it ends.
 *
 * @throws DataDirError
 */
export function lockDataDir(dir: string): DataDirLock {
  makeDataDir(dir);
  giveUpWhereNothingIsLeft(diskFilesOf(dir));
  const database = open(dir);
  try {
    // SQLite's result code tells a lock that another process holds from a file that cannot be locked at all.
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (isDamage(cause)) naming(join(dir, LOCK_FILE), LOCK_CURE, () => rethrow(cause));
    if (!isBusy(cause)) throw notWritable(dir, cause);
    throw new DataDirError(
      'data_dir_in_use',
      `DATA_DIR ${dir} is in use by another collector${holder(dir)}: stop that one, or give this one a directory of its own`,
      { cause },
    );
  }
  locked.add(database);
  writePid(dir);
  return {
    release: () => {
      if (!locked.delete(database)) return;
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

/** Whether a running collector holds the lock of this directory. Writes nothing. */
export function isHeld(dir: string): boolean {
  const path = join(dir, LOCK_FILE);
  if (!existsSync(path)) return false;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    database.exec('PRAGMA busy_timeout = 0; SELECT count(*) FROM sqlite_schema');
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

/**
 * Makes the directory if it is missing.
 *
 * @returns the directory
 * @throws DataDirError if it is not writable
 */
export function makeDataDir(dir: string): string {
  try {
    makeDirectory(dir, 0o700);
    writePrivate(join(dir, '.writable'), '');
  } catch (cause) {
    throw notWritable(dir, cause);
  }
  return dir;
}

function notWritable(dir: string, cause: unknown): DataDirError {
  const reason = errorText(cause);
  return new DataDirError(
    'data_dir_not_writable',
    cause instanceof UnusableFileError
      ? cause.message
      : `DATA_DIR ${dir} cannot be written (${reason}): make it writable for this user, or set DATA_DIR to another directory`,
    { cause },
  );
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function rethrow(error: unknown): never {
  throw error;
}

function writePrivate(path: string, text: string): void {
  takeFromOthers(path);
  writeFileSync(path, text, { mode: 0o600 });
}

/** The file is only for people to read, so a full disk does not stop the collector. */
function writePid(dir: string): void {
  try {
    writePrivate(join(dir, 'collector.pid'), `${process.pid}\n`);
  } catch {
    // The message to a second collector then names no process.
  }
}

function open(dir: string): DatabaseSync {
  try {
    makePrivate(join(dir, LOCK_FILE));
    return new DatabaseSync(join(dir, LOCK_FILE));
  } catch (cause) {
    throw notWritable(dir, cause);
  }
}

function holder(dir: string): string {
  try {
    return ` (process ${readFileSync(join(dir, 'collector.pid'), 'utf8').trim()})`;
  } catch {
    return '';
  }
}
