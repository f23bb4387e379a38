import { DatabaseSync } from 'node:sqlite';
import { filesOf, makePrivate } from './private-file.ts';

export const JOURNAL_FILE = 'journal.db';

/** SQLite's default, which is never changed. */
export const PAGE_BYTES = 4096;
const WAL_BYTES = 4 * 1024 * 1024;
const WAL_LEAST_PAGES = 16;

interface WriteOptions {
  readonly maxPages?: number;
  readonly walBytes?: number;
}

/** Opens the journal for writing, and makes missing tables. */
export function openForWriting(path: string, options?: WriteOptions): DatabaseSync {
  makePrivate(path);
  const database = new DatabaseSync(path);
  try {
    return prepareForWriting(database, options);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** @returns the same database */
export function prepareForWriting(
  database: DatabaseSync,
  { maxPages, walBytes = WAL_BYTES }: WriteOptions = {},
): DatabaseSync {
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA busy_timeout = 5000;
    PRAGMA wal_autocheckpoint = ${Math.max(WAL_LEAST_PAGES, Math.floor(walBytes / PAGE_BYTES))};
    PRAGMA journal_size_limit = 67108864;
    CREATE TABLE IF NOT EXISTS batch (row INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, lines BLOB NOT NULL, bytes INTEGER NOT NULL, keys TEXT);
    CREATE TABLE IF NOT EXISTS held (id INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, due_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, line TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS counted (id INTEGER PRIMARY KEY, line TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS held_due ON held (reason, due_ms);
    CREATE TABLE IF NOT EXISTS rejected (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, origin TEXT NOT NULL, record TEXT NOT NULL, sender TEXT NOT NULL DEFAULT '');
    CREATE TABLE IF NOT EXISTS held_event (id INTEGER PRIMARY KEY AUTOINCREMENT, reason TEXT NOT NULL, type TEXT NOT NULL, since_ms INTEGER NOT NULL, line TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS held_event_order ON held_event (reason);
    CREATE INDEX IF NOT EXISTS held_event_type ON held_event (reason, type);
    CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), row INTEGER NOT NULL, line INTEGER NOT NULL);
    INSERT OR IGNORE INTO cursor VALUES (1, 0, 0);
  `);
  moveUnroutable(database);
  addColumn(database, 'rejected', "sender TEXT NOT NULL DEFAULT ''");
  addColumn(database, 'batch', 'keys TEXT');
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
  return database;
}

/** Versions up to 0.1.0 kept events that no queue takes among the waiting lines. */
function moveUnroutable(database: DatabaseSync): void {
  const former = "FROM held WHERE reason = 'unroutable'";
  if (database.prepare(`SELECT 1 ${former} LIMIT 1`).get() === undefined) return;
  const type = "CASE WHEN json_valid(line) THEN coalesce(json_extract(line, '$.event'), '') ELSE '' END";
  database.exec(`
    BEGIN IMMEDIATE;
    INSERT INTO held_event (reason, type, since_ms, line) SELECT reason, ${type}, min(due_ms, ${Date.now()}), line ${former} ORDER BY id;
    DELETE ${former};
    COMMIT;
  `);
}

/** Versions up to 0.1.0 did not record the sender of a rejected record, nor the producer of an id. */
function addColumn(database: DatabaseSync, table: 'rejected' | 'batch', column: string): void {
  const columns = database.prepare(`PRAGMA table_info(${table})`).all();
  if (columns.some(({ name }) => name === column.split(' ', 1)[0])) return;
  database.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`);
}

/** A read-only connection; each statement sees what was committed when it began. @throws UnusableFileError */
export function openForReading(path: string): DatabaseSync {
  filesOf(path);
  const database = new DatabaseSync(path, { readOnly: true });
  database.exec('PRAGMA busy_timeout = 5000');
  return database;
}
