import type { DiskFiles } from './disk-files.ts';

const MOST_BYTES = 8 * 1024 * 1024;
const LEAST_BYTES = 64 * 1024;
/** It takes no more of the disk than this: of the whole disk, so that a restart finds the same. */
const SHARE = 1 / 8;
/** What it leaves when it is made again on a disk that has little more: small batches of events go through that. */
const SPARED_BYTES = 256 * 1024;
/** Of the one that is for a start. */
const START_BYTES = 256 * 1024;
const START_SHARE = 1 / 16;

/**
 * A file of no use but to be deleted: where the disk has nothing left at all, its room is what the journal needs to write
 * down what was published, and so to let go of it (docs/adr/017-ballast.md).
 */
export class Ballast {
  readonly #files: DiskFiles;
  readonly #wanted: number;
  #bytes: number;

  /** @param mostBytes it need not be larger than what it is for */
  constructor(files: DiskFiles, mostBytes: number) {
    this.#files = files;
    this.#bytes = files.ballast.size();
    const share = Math.floor(files.total() * SHARE);
    this.#wanted = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, mostBytes), share);
    if (this.#bytes < this.#wanted) this.restore();
  }

  /** How large it is to be; 0 where the disk is too small for one. */
  get wanted(): number {
    return this.#wanted < LEAST_BYTES ? 0 : this.#wanted;
  }

  /** @returns whether there was any */
  giveUp(): boolean {
    if (this.#bytes === 0) return false;
    this.#files.ballast.remove();
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
    const { ballast } = this.#files;
    const bytes = Math.min(this.wanted, this.#files.free() + this.#bytes - SPARED_BYTES);
    if (bytes <= this.#bytes || bytes < this.wanted / 2) return this.isThere;
    const isMade = ballast.make(bytes);
    this.#bytes = isMade ? bytes : ballast.size();
    if (!isMade) this.giveUp();
    return this.isThere;
  }
}

/**
 * Before anything else is opened: what is opened needs some room, too. Where a process before had to give up the ballast,
 * there is a small one for this alone. Both are made again once there is enough.
 */
export function giveUpWhereNothingIsLeft(files: DiskFiles): void {
  for (const reserve of [files.ballast, files.startBallast]) if (files.free() < START_BYTES) reserve.remove();
}

/**
 * Makes the small one for the next start, where there is room for it.
 *
 * @param spareBytes that it leaves to whoever is writing
 */
export function keepRoomForStart(files: DiskFiles, spareBytes = 0): void {
  const { startBallast } = files;
  const wanted = Math.min(START_BYTES, Math.floor(files.total() * START_SHARE));
  if (startBallast.size() >= wanted || files.free() < wanted + spareBytes) return;
  if (!startBallast.make(wanted)) startBallast.remove();
}
