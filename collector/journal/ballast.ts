import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

const FILE = 'ballast';
const MOST_BYTES = 8 * 1024 * 1024;
const LEAST_BYTES = 64 * 1024;
/** It takes no more of the disk than this: of the whole disk, so that a restart finds the same. */
const SHARE = 1 / 8;
/** What it leaves when it is made again on a disk that has little more: small batches of events go through that. */
const SPARED_BYTES = 256 * 1024;
/** Not zeros, which some file systems do not store. */
const CHUNK = randomBytes(64 * 1024);

/** What the disk of a directory has left for this user. */
export function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

/**
 * A file of no use but to be deleted: where the disk has nothing left at all, its room is what the journal needs to write
 * down what was published, and so to let go of it (docs/adr/017-ballast.md).
 */
export class Ballast {
  readonly #dir: string;
  readonly #path: string;
  readonly #wanted: number;
  #bytes: number;

  /** @param mostBytes it need not be larger than what it is for */
  constructor(dir: string, mostBytes: number) {
    this.#dir = dir;
    this.#path = join(dir, FILE);
    this.#bytes = sizeOf(this.#path);
    const { blocks, bsize } = statfsSync(dir);
    const share = Math.floor(blocks * bsize * SHARE);
    this.#wanted = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, mostBytes), share);
    if (this.#bytes < this.#wanted) this.restore();
  }

  /** How much it holds; 0 where it was given up. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How large it is to be; 0 where the disk is too small for one. */
  get wanted(): number {
    return this.#wanted < LEAST_BYTES ? 0 : this.#wanted;
  }

  /** @returns whether there was any */
  giveUp(): boolean {
    if (this.#bytes === 0) return false;
    rmSync(this.#path, { force: true });
    this.#bytes = 0;
    return true;
  }

  /** Whether it is large enough for what it is for. */
  get isThere(): boolean {
    return this.#bytes >= this.wanted / 2;
  }

  /** Makes it again, or larger, where there is room for it. @returns whether it is there */
  restore(): boolean {
    if (this.#bytes >= this.wanted) return true;
    const bytes = Math.min(this.wanted, freeBytes(this.#dir) + this.#bytes - SPARED_BYTES);
    if (bytes <= this.#bytes || bytes < this.wanted / 2) return this.isThere;
    this.#bytes = fill(this.#path, bytes) ? bytes : sizeOf(this.#path);
    if (this.#bytes < bytes) this.giveUp();
    return this.isThere;
  }
}

/**
 * A second one, small, for a start with nothing left: opening a database takes some room, and a running process may have
 * given up the large one. It goes at a start alone, and is made again as soon as the databases are open, or closed.
 */
const START_FILE = 'ballast.start';
const START_BYTES = 256 * 1024;

/** Before anything else is opened: what is opened needs some room, too. It is made again once there is enough. */
export function giveUpWhereNothingIsLeft(dir: string): void {
  for (const file of [FILE, START_FILE]) if (freeBytes(dir) < START_BYTES) rmSync(join(dir, file), { force: true });
}

/**
 * Makes it for the next start, where there is room for it.
 *
 * @param spareBytes that it leaves to whoever is writing
 */
export function keepRoomForStart(dir: string, spareBytes = 0): void {
  const path = join(dir, START_FILE);
  if (sizeOf(path) >= START_BYTES || freeBytes(dir) < START_BYTES + spareBytes) return;
  if (!fill(path, START_BYTES)) rmSync(path, { force: true });
}

/** @returns false where it could not be written whole */
function fill(path: string, bytes: number): boolean {
  try {
    const file = openSync(path, 'w', 0o600);
    try {
      for (let left = bytes; left > 0; left -= writeSync(file, CHUNK, 0, Math.min(left, CHUNK.length)));
    } finally {
      closeSync(file);
    }
    return true;
  } catch {
    // Somebody else has the room.
    return false;
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
