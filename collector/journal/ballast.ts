import type { DiskFiles } from './disk-files.ts';

const MOST_BYTES = 8 * 1024 * 1024;
const LEAST_BYTES = 64 * 1024;
/** The largest share of the whole disk that the ballast takes. It is the same after a restart. */
const SHARE = 1 / 8;
/** Room left free when the ballast is made again on a nearly full disk: enough for small batches of events. */
const SPARED_BYTES = 256 * 1024;
/** Size of the ballast for a start. */
const START_BYTES = 256 * 1024;
const START_SHARE = 1 / 16;

/**
 * A file whose only use is to be deleted. If the disk is completely full, its room lets the journal record what was
 * published, and so delete it (docs/adr/017-ballast.md).
 */
export class Ballast {
  readonly #files: DiskFiles;
  readonly #wanted: number;
  #bytes: number;

  /** @param mostBytes the largest useful size of the ballast */
  constructor(files: DiskFiles, mostBytes: number) {
    this.#files = files;
    this.#bytes = files.ballast.size();
    const share = Math.floor(files.total() * SHARE);
    this.#wanted = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, mostBytes), share);
    if (this.#bytes < this.#wanted) this.restore();
  }

  /** The intended size; 0 if the disk is too small for a ballast. */
  get wanted(): number {
    return this.#wanted < LEAST_BYTES ? 0 : this.#wanted;
  }

  /** @returns whether there was a ballast */
  giveUp(): boolean {
    if (this.#bytes === 0) return false;
    this.#files.ballast.remove();
    this.#bytes = 0;
    return true;
  }

  /** Whether the ballast is large enough for its purpose. */
  get isThere(): boolean {
    return this.#bytes >= this.wanted / 2;
  }

  /** Makes the ballast again, or larger, if there is room. @returns whether it is large enough for its purpose */
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
 * Called before anything else is opened, because opening needs room too. A small ballast is reserved for the start, in case
 * an earlier process gave up the large one. Both are made again once there is enough room.
 */
export function giveUpWhereNothingIsLeft(files: DiskFiles): void {
  for (const reserve of [files.ballast, files.startBallast]) if (files.free() < START_BYTES) reserve.remove();
}

/**
 * Makes the small ballast for the next start, if there is room.
 *
 * @param spareBytes the room that it leaves to current writers
 */
export function keepRoomForStart(files: DiskFiles, spareBytes = 0): void {
  const { startBallast } = files;
  const wanted = Math.min(START_BYTES, Math.floor(files.total() * START_SHARE));
  if (startBallast.size() >= wanted || files.free() < wanted + spareBytes) return;
  if (!startBallast.make(wanted)) startBallast.remove();
}
