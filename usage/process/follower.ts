import type { StoredEvent } from '../store/columns.ts';
import type { UsageStore } from '../store/usage-store.ts';

/** A row of the journal. */
export interface SourceRow {
  readonly row: number;
  /** When it was accepted, in Unix milliseconds. */
  readonly atMs: number;
  /** JSON text, one event each. */
  readonly lines: readonly string[];
}

/** The journal, read by another process. */
export interface EventSource {
  /** Rows after this one, up to that many bytes, but at least one if there is any. */
  read(afterRow: number, maxBytes: number): readonly SourceRow[];
}

const BATCH_BYTES = 4 * 1024 * 1024;
/** Most UTF-8 bytes per code unit of a string. */
const MOST_BYTES_A_UNIT = 3;
const CURSOR = 'journal';

/** Copies the journal into the store, in order and in batches, starting from the last position. */
export class Follower {
  readonly #source: EventSource;
  readonly #store: UsageStore;
  readonly #now: () => number;
  readonly #batchBytes: number;
  #takenRow: number | undefined;
  #countedUntilMs: number | undefined;
  #missedRows = 0;

  /** @param batchBytes most bytes that are read and stored at once */
  constructor(source: EventSource, store: UsageStore, now: () => number, batchBytes = BATCH_BYTES) {
    this.#source = source;
    this.#store = store;
    this.#now = now;
    this.#batchBytes = batchBytes;
  }

  /** The last row in the store. */
  get takenRow(): number {
    return this.#takenRow ?? 0;
  }

  get countedUntilMs(): number | undefined {
    return this.#countedUntilMs;
  }

  /** Rows that were deleted before they could be copied. */
  get missedRows(): number {
    return this.#missedRows;
  }

  /**
   * Copies one batch. If it throws, none of the batch is in the store, and the next step takes it again.
   *
   * @returns whether the batch was full, so that the next is worth copying at once. Each batch, however small, costs the store
   * time, and intake with it
   */
  async step(): Promise<boolean> {
    this.#takenRow ??= Number((await this.#store.mark(CURSOR)) ?? 0);
    // Taken before reading: events accepted from now on may not be counted yet.
    const readMs = this.#now();
    const rows = this.#source.read(this.#takenRow, this.#batchBytes);
    const last = rows.at(-1);
    if (last === undefined) {
      this.#countedUntilMs = readMs;
      return false;
    }
    const lines = rows.flatMap((row) => row.lines).filter((line) => line !== '');
    const events = lines.map((line) => JSON.parse(line) as StoredEvent);
    await this.#store.ingest(events, { [CURSOR]: String(last.row) });
    const first = rows[0]?.row ?? 0;
    if (this.#takenRow > 0 && first > this.#takenRow + 1) this.#missedRows += first - this.#takenRow - 1;
    this.#takenRow = last.row;
    const full = lines.reduce((sum, line) => sum + line.length, 0) * MOST_BYTES_A_UNIT >= this.#batchBytes;
    this.#countedUntilMs = full ? last.atMs : readMs;
    return full;
  }
}
