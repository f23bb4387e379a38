import { errorText } from '../../runtime/error-text.ts';

/** SQLite's result codes, without extensions. */
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** SQLITE_IOERR_SHMSIZE: no room for the file beside the WAL. */
const NO_ROOM_FOR_SHM = 4874;

function codeOf(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
}

/** Whether SQLite found a file damaged. */
export function isDamage(error: unknown): boolean {
  const primary = codeOf(error) & 0xff;
  return primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB;
}

/** Whether the disk was full. */
export function isFull(error: unknown): boolean {
  return (codeOf(error) & 0xff) === SQLITE_FULL || codeOf(error) === NO_ROOM_FOR_SHM;
}

/** A file of DATA_DIR is damaged. The message names it, and says what to do. */
export class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError';
  readonly code = 'damaged_file';
}

/**
 * Calls `use`, which works on a database.
 *
 * @param cure what to do about the file, as the end of a sentence
 * @throws DamagedFileError if the file is damaged; otherwise whatever `use` throws
 */
export function naming<T>(path: string, cure: string, use: () => T): T {
  try {
    return use();
  } catch (cause) {
    throw named(path, cure, cause);
  }
}

/** The same for items that are read one by one. */
export function* namingEach<T>(path: string, cure: string, items: Iterable<T>): Generator<T> {
  try {
    yield* items;
  } catch (cause) {
    throw named(path, cure, cause);
  }
}

function named(path: string, cure: string, cause: unknown): unknown {
  if (!isDamage(cause)) return cause;
  return new DamagedFileError(`${path} is damaged (${errorText(cause)}). Stop the collector and ${cure}`, { cause });
}

export const JOURNAL_CURE =
  'copy journal.db and journal.db-wal to a safe place: events that are not published are in them. Then repair it (sqlite3 journal.db .recover | sqlite3 new.db, and new.db in its place), or move journal.db, journal.db-wal and journal.db-shm away to begin with an empty one';
export const KEYS_CURE = 'move keys.db, keys.db-wal and keys.db-shm away; then make the keys anew';
export const LOCK_CURE = 'delete it: it is made again, and holds nothing';
