import type { DiskFiles, ReserveFile } from '../collector/journal/disk-files.ts';
import { PAGE_BYTES } from '../collector/journal/schema.ts';

/** Small, so that a few producers fill it. */
const CAPACITY = 3 * 1024 * 1024;
const FRAME_BYTES = PAGE_BYTES + 24;
/** Pages that a transaction writes beside those of its own bytes: tables' roots, sums, the cursor. */
const COMMIT_PAGES = 4;
/** Pages in the WAL from which on it is made part of the database. */
const CHECKPOINT_PAGES = 16;

/** The bytes of a disk: the database, its WAL, the ballasts, and what others have on it. Every write needs room. */
export class DiskSpace implements DiskFiles {
  readonly #databasePages: () => number;
  #database = 0;
  #wal = 0;
  #walPages = 0;
  #others = 0;
  readonly ballast = this.#reserve();
  readonly startBallast = this.#reserve();

  /** @param databasePages that the database has, on the disk or still in the WAL */
  constructor(databasePages: () => number) {
    this.#databasePages = databasePages;
    this.#database = this.databaseBytes();
  }

  /** Whether others have taken of it. */
  get isTaken(): boolean {
    return this.#others > 0;
  }

  total = (): number => CAPACITY;

  free = (): number =>
    CAPACITY - this.#others - this.#database - this.#wal - this.ballast.size() - this.startBallast.size();

  walSize = (): number => this.#wal;

  databaseBytes = (): number => this.#databasePages() * PAGE_BYTES;

  /** Others take what is left, or let go of all that they took. */
  setTaken(isTaken: boolean): void {
    this.#others = isTaken ? this.#others + this.free() : 0;
  }

  /** A transaction, into the WAL. @returns false where there is no room for it */
  commit(bytes: number): boolean {
    const pages = COMMIT_PAGES + Math.ceil(bytes / PAGE_BYTES);
    const growth = (this.#walPages + pages) * FRAME_BYTES - this.#wal;
    if (growth > this.free()) return false;
    this.#wal += Math.max(0, growth);
    this.#walPages += pages;
    if (this.#walPages >= CHECKPOINT_PAGES) this.#checkpoint();
    return true;
  }

  /** Makes the WAL part of the database, and gives its room back. @returns whether that could be done */
  truncate(): boolean {
    if (!this.#checkpoint()) return false;
    this.#wal = 0;
    return true;
  }

  #checkpoint(): boolean {
    const growth = this.databaseBytes() - this.#database;
    if (growth > this.free()) return false;
    this.#database += growth;
    this.#walPages = 0;
    return true;
  }

  #reserve(): ReserveFile {
    let size = 0;
    return {
      size: () => size,
      make: (bytes) => {
        const before = size;
        size = Math.min(bytes, before + Math.max(0, this.free()));
        return size === bytes;
      },
      remove: () => {
        size = 0;
      },
    };
  }
}
