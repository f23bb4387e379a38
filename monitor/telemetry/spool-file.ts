import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeDirectory } from '../../runtime/directory.ts';
import { errorText } from '../../runtime/error-text.ts';

/** The spool cannot be used; the message says what to do. */
export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly code = 'spool_unusable';
}

const FILE = 'spool.db';
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/**
 * Opens the spool and locks it for this process. A damaged one is moved aside and replaced.
 *
 * @throws SpoolError
 */
export function openSpoolFile(dir: string): DatabaseSync {
  const path = join(dir, FILE);
  try {
    makeDirectory(dir, 0o700);
    return prepare(path);
  } catch (cause) {
    const code = cause instanceof Error && 'errcode' in cause ? cause.errcode : undefined;
    if (code === SQLITE_BUSY)
      throw new SpoolError(
        `spool_dir ${dir} is in use by another monitor: stop that one, or give this one a directory of its own`,
        { cause },
      );
    if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
      for (const suffix of ['', '-wal']) moveAside(`${path}${suffix}`);
      return prepare(path);
    }
    const reason = errorText(cause);
    throw new SpoolError(
      `spool_dir ${dir} cannot be used (${reason}): make it writable for this user, or set spool_dir to another directory`,
      { cause },
    );
  }
}

function moveAside(path: string): void {
  try {
    renameSync(path, `${path}.damaged`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

function prepare(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`
      PRAGMA busy_timeout = 500;
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = 16777216;
      CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, signal TEXT NOT NULL, items INTEGER NOT NULL, body BLOB NOT NULL);
      CREATE INDEX IF NOT EXISTS waiting_signal ON waiting (signal, id);
      CREATE TABLE IF NOT EXISTS refused (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, signal TEXT NOT NULL, items INTEGER NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL);
      BEGIN IMMEDIATE;
      COMMIT;
    `);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
