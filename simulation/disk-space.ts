import type { DiskFiles, ReserveFile } from '../collector/journal/disk-files.ts';
import { PAGE_BYTES } from '../collector/journal/schema.ts';

/** Small, so that a few producers can fill it. */
const CAPACITY = 3 * 1024 * 1024;
const FRAME_BYTES = PAGE_BYTES + 24;
/** Pages that a transaction writes besides its own bytes: the tables' roots, sums, the cursor. */
const COMMIT_PAGES = 4;
/** Number of WAL pages that triggers a checkpoint. */
const CHECKPOINT_PAGES = 16;

/** The space on a disk: the database, its WAL, the ballasts, and other programs' files. Every write needs room. */
export class DiskSpace implements DiskFiles {
  readonly #databasePages: () => number;
  #database = 0;
  #wal = 0;
  #walPages = 0;
  #others = 0;
  readonly ballast = this.#reserve();
  readonly startBallast = this.#reserve();

  /** @param databasePages number of the database's pages, on the disk or still in the WAL */
  constructor(databasePages: () => number) {
    this.#databasePages = databasePages;
    this.#database = this.databaseBytes();
  }

  /** Whether other programs occupy space. */
  get isTaken(): boolean {
    return this.#others > 0;
  }

  total = (): number => CAPACITY;

  free = (): number =>
    CAPACITY - this.#others - this.#database - this.#wal - this.ballast.size() - this.startBallast.size();

  walSize = (): number => this.#wal;

  databaseBytes = (): number => this.#databasePages() * PAGE_BYTES;

  /** Other programs take all that is left, or free all that they took. */
  setTaken(isTaken: boolean): void {
    this.#others = isTaken ? this.#others + this.free() : 0;
  }

  /** Commits a transaction to the WAL. @returns false if there is no room */
  commit(bytes: number): boolean {
    const pages = COMMIT_PAGES + Math.ceil(bytes / PAGE_BYTES);
    const growth = (this.#walPages + pages) * FRAME_BYTES - this.#wal;
    if (growth > this.free()) return false;
    this.#wal += Math.max(0, growth);
    this.#walPages += pages;
    if (this.#walPages >= CHECKPOINT_PAGES) this.#checkpoint();
    return true;
  }

  /** Checkpoints the WAL and frees its space. @returns whether that succeeded */
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
