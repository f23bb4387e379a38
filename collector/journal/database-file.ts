import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { PAGE_BYTES } from './schema.ts';

/** Size of the WAL after rewriting the whole database, relative to the database. */
const SHRINK_OVERHEAD = 1.1;
const SPARE_BYTES = 64 * 1024;

/** The space that a database file takes on its disk. */
export class DatabaseFile {
  readonly #database: DatabaseSync;
  readonly #unusedPages: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#unusedPages = database.prepare('PRAGMA freelist_count');
  }

  /** Unused bytes within the file. It does not grow while they last. */
  get unusedBytes(): number {
    return PAGE_BYTES * Number(this.#unusedPages.get()?.['freelist_count'] ?? 0);
  }

  /** Moves the WAL into the database, and returns its space to the disk. @returns whether that succeeded */
  checkpoint(): boolean {
    try {
      return Number(this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] ?? 1) === 0;
    } catch {
      return false;
    }
  }

  /**
   * Returns unused space to the disk, if the disk has room for rewriting the rest.
   *
   * @param freeBytes free space of the disk
   * @returns whether it was done
   */
  shrink(freeBytes: number): boolean {
    const pages = Number(this.#database.prepare('PRAGMA page_count').get()?.['page_count'] ?? 0);
    const kept = PAGE_BYTES * pages - this.unusedBytes;
    if (kept * SHRINK_OVERHEAD + SPARE_BYTES > freeBytes) return false;
    try {
      this.#database.exec('PRAGMA temp_store = MEMORY');
      this.#database.exec('VACUUM');
      return this.checkpoint();
    } catch {
      return false;
    }
  }
}
