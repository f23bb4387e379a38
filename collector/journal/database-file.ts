import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { PAGE_BYTES } from './schema.ts';

/** What a database takes in the WAL when all of it is written anew. */
const SHRINK_OVERHEAD = 1.1;
const SPARE_BYTES = 64 * 1024;

/** The room that the file of a database takes on its disk. */
export class DatabaseFile {
  readonly #database: DatabaseSync;
  readonly #unusedPages: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#unusedPages = database.prepare('PRAGMA freelist_count');
  }

  /** Bytes that nothing uses: within them the file does not grow. */
  get unusedBytes(): number {
    return PAGE_BYTES * Number(this.#unusedPages.get()?.['freelist_count'] ?? 0);
  }

  /** Makes the WAL part of the database, and gives its room back to the disk. @returns whether that could be done */
  checkpoint(): boolean {
    try {
      return Number(this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] ?? 1) === 0;
    } catch {
      return false;
    }
  }

  /**
   * Gives back to the disk what nothing uses, where the disk has room for writing the rest once more.
   *
   * @param freeBytes of the disk
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
