import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { StoredJob } from './stored-job.ts';

/** Jobs and the progress of polling, kept across restarts. */
export interface JobStore {
  /** Least recently touched first. */
  load(): readonly StoredJob[];
  /** In one transaction. @throws Error of SQLite, such as a full disk */
  save(changed: readonly StoredJob[], removed: readonly string[]): void;
  /** @returns what was last saved under the name */
  loadProgress(name: string): unknown;
  /** @throws Error of SQLite */
  saveProgress(name: string, progress: unknown): void;
  close(): void;
}

const FILE = 'extractor-jobs.db';
const BUSY_MS = 5000;

/**
 * Jobs in a SQLite database in the directory. Not synced with every transaction: a power failure costs a few seconds of
 * memory, and so some durations, but no event.
 *
 * @throws Error of SQLite if the directory cannot be used
 */
export function openJobStore(dir: string): JobStore {
  const database = new DatabaseSync(join(dir, FILE), { timeout: BUSY_MS });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  database.exec(
    'CREATE TABLE IF NOT EXISTS job (key TEXT PRIMARY KEY, touched_ms INTEGER NOT NULL, job TEXT NOT NULL)',
  );
  database.exec('CREATE TABLE IF NOT EXISTS progress (name TEXT PRIMARY KEY, progress TEXT NOT NULL)');
  const put: StatementSync = database.prepare('INSERT OR REPLACE INTO job (key, touched_ms, job) VALUES (?, ?, ?)');
  const remove: StatementSync = database.prepare('DELETE FROM job WHERE key = ?');
  const all: StatementSync = database.prepare('SELECT job FROM job ORDER BY touched_ms');
  const getProgress: StatementSync = database.prepare('SELECT progress FROM progress WHERE name = ?');
  const putProgress: StatementSync = database.prepare('INSERT OR REPLACE INTO progress (name, progress) VALUES (?, ?)');
  return {
    // Only this module writes to it.
    load: () => Array.from(all.iterate(), (row) => JSON.parse(String(row['job'])) as StoredJob),
    save(changed, removed) {
      database.exec('BEGIN IMMEDIATE');
      try {
        for (const stored of changed) put.run(stored.job.key, stored.job.touchedMs, JSON.stringify(stored));
        for (const key of removed) remove.run(key);
        database.exec('COMMIT');
      } catch (error) {
        // If the disk is full, SQLite has already rolled back.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    loadProgress(name) {
      const row = getProgress.get(name);
      return row === undefined ? undefined : (JSON.parse(String(row['progress'])) as unknown);
    },
    saveProgress: (name, progress) => void putProgress.run(name, JSON.stringify(progress)),
    close: () => database.close(),
  };
}
