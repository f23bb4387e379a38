import { Ballast, keepRoomForStart } from './ballast.ts';
import type { DiskFiles } from './disk-files.ts';

/** What a transaction takes in the WAL besides its own bytes. */
const OVERHEAD = 1.2;
const PAGES_BYTES = 32 * 1024;
/** Below this nothing new is taken that makes the database grow. */
const LEAST_RESERVE = 64 * 1024;
const LOOK_EVERY_MS = 100;
/** What a disk has plenty of, beyond what is needed: nobody takes it within the time for which it is not looked at again. */
const PLENTY_BYTES = 256 * 1024 * 1024;
const PLENTY_MS = 100;
/** What the room for the next start leaves to this process. */
const SPARE_BYTES = 1024 * 1024;

/**
 * Whether the disk has room for something new. The WAL becomes part of the database some time, which may have to grow
 * for it: what is left must be enough for that, and then for writing down what was published.
 */
export class DiskRoom {
  readonly #files: DiskFiles;
  readonly #ballast: Ballast;
  readonly #now: () => number;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Until when there is room for anything, as far as these bytes go. */
  #plenty = { untilMs: Number.NEGATIVE_INFINITY, bytes: 0 };

  constructor(files: DiskFiles, mostBytes: number, now: () => number) {
    this.#files = files;
    this.#now = now;
    this.#ballast = new Ballast(files, mostBytes);
  }

  /** How large the WAL may become before it is made part of the database: half of the ballast lets the database grow so. */
  get walBytes(): number {
    return this.#ballast.wanted / 2;
  }

  /**
   * @param newBytes of the events of one transaction
   * @param unusedBytes of the database: within them it does not grow
   */
  hasRoomFor(newBytes: number, unusedBytes: () => number): boolean {
    if (!this.#ballast.isThere) return false;
    const written = newBytes * OVERHEAD + PAGES_BYTES;
    if (this.#now() < this.#plenty.untilMs && 2 * written < this.#plenty.bytes) {
      this.#plenty.bytes -= 2 * written;
      return true;
    }
    const free = this.#files.free();
    const needed = this.#files.walSize() + 2 * written + Math.max(LEAST_RESERVE, this.#ballast.wanted);
    if (free - needed >= 2 * PLENTY_BYTES) this.#plenty = { untilMs: this.#now() + PLENTY_MS, bytes: PLENTY_BYTES };
    if (free >= needed) return true;
    return newBytes * OVERHEAD < unusedBytes() && free >= written;
  }

  /** The journal goes on with the room of the ballast. @returns whether there was any */
  giveUpBallast(): boolean {
    return this.#ballast.giveUp();
  }

  get free(): number {
    return this.#files.free();
  }

  /** @returns whether it is there */
  restoreBallast(): boolean {
    const isThere = this.#ballast.restore();
    if (isThere) this.keepRoomForStart();
    return isThere;
  }

  /** @param isClosing nobody writes any more */
  keepRoomForStart(isClosing = false): void {
    keepRoomForStart(this.#files, isClosing ? 0 : SPARE_BYTES);
  }

  /** Whether it is time to look for room again: that costs some, and was in vain a moment ago. */
  mayLook(): boolean {
    return this.#now() - this.#lookedMs >= LOOK_EVERY_MS;
  }

  lookedInVain(): void {
    this.#lookedMs = this.#now();
  }
}
