import { Ballast, keepRoomForStart } from './ballast.ts';
import type { DiskFiles } from './disk-files.ts';

/** WAL bytes of a transaction beyond its own content. */
const OVERHEAD = 1.2;
const PAGES_BYTES = 32 * 1024;
/** Below this, nothing new is accepted that makes the database grow. */
const LEAST_RESERVE = 64 * 1024;
const LOOK_EVERY_MS = 100;
/** With this much free space to spare, the disk is not checked for PLENTY_MS: nothing fills it that fast. */
const PLENTY_BYTES = 256 * 1024 * 1024;
const PLENTY_MS = 100;
/** Room that the ballast for the next start leaves to this process. */
const SPARE_BYTES = 1024 * 1024;

/**
 * Whether the disk has room for new events. The WAL will be moved into the database, which may have to grow for it. The free
 * space must suffice for that, and then for recording what was published.
 */
export class DiskRoom {
  readonly #files: DiskFiles;
  readonly #ballast: Ballast;
  readonly #now: () => number;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Until when, and for how many bytes, there is room without another check. */
  #plenty = { untilMs: Number.NEGATIVE_INFINITY, bytes: 0 };

  constructor(files: DiskFiles, mostBytes: number, now: () => number) {
    this.#files = files;
    this.#now = now;
    this.#ballast = new Ballast(files, mostBytes);
  }

  /**
   * Size at which the WAL is moved into the database. It is half of the ballast, so the ballast leaves room for the database
   * to grow by as much.
   */
  get walBytes(): number {
    return this.#ballast.wanted / 2;
  }

  /**
   * @param newBytes bytes of the events of one transaction
   * @param unusedBytes unused bytes of the database, which delay its growth
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

  /** Gives up the ballast so that the journal can use its room. @returns whether there was a ballast */
  giveUpBallast(): boolean {
    return this.#ballast.giveUp();
  }

  get free(): number {
    return this.#files.free();
  }

  /** @returns whether the ballast is large enough for its purpose */
  restoreBallast(): boolean {
    const isThere = this.#ballast.restore();
    if (isThere) this.keepRoomForStart();
    return isThere;
  }

  /** @param isClosing whether nothing more will be written */
  keepRoomForStart(isClosing = false): void {
    keepRoomForStart(this.#files, isClosing ? 0 : SPARE_BYTES);
  }

  /** Whether to look for room again. Looking is costly, so a failed attempt is not repeated at once. */
  mayLook(): boolean {
    return this.#now() - this.#lookedMs >= LOOK_EVERY_MS;
  }

  lookedInVain(): void {
    this.#lookedMs = this.#now();
  }
}
