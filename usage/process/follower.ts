import type { StoredEvent } from '../store/columns.ts';
import type { UsageStore } from '../store/usage-store.ts';

/** Rows of the journal, in order. */
export interface SourceRow {
  readonly row: number;
  /** When it was accepted, Unix milliseconds. */
  readonly atMs: number;
  /** JSON text of one event each. */
  readonly lines: readonly string[];
}

/** The journal as it is read from beside. */
export interface EventSource {
  /** Rows after this one, up to that many bytes and at least one where there is any. */
  read(afterRow: number, maxBytes: number): readonly SourceRow[];
}

const BATCH_BYTES = 4 * 1024 * 1024;
/** Of a string, in UTF-8. */
const MOST_BYTES_A_UNIT = 3;
const CURSOR = 'journal';

/** Takes what the journal has into the store, in order and in batches, from where it had come to. */
export class Follower {
  readonly #source: EventSource;
  readonly #store: UsageStore;
  readonly #now: () => number;
  readonly #batchBytes: number;
  #takenRow: number | undefined;
  #countedUntilMs: number | undefined;
  #missedRows = 0;

  /** @param batchBytes what is read and stored at once */
  constructor(source: EventSource, store: UsageStore, now: () => number, batchBytes = BATCH_BYTES) {
    this.#source = source;
    this.#store = store;
    this.#now = now;
    this.#batchBytes = batchBytes;
  }

  /** The last row that is in the store. */
  get takenRow(): number {
    return this.#takenRow ?? 0;
  }

  get countedUntilMs(): number | undefined {
    return this.#countedUntilMs;
  }

  /** Rows that were gone before they were taken. */
  get missedRows(): number {
    return this.#missedRows;
  }

  /**
   * Takes one batch. Where it throws, none of it is in the store, and the next step takes it again.
   *
   * @returns whether the batch was full, so that the next one is worth taking at once: a store pays for each batch, however
   *   small, and intake would pay with it
   */
  async step(): Promise<boolean> {
    this.#takenRow ??= Number((await this.#store.mark(CURSOR)) ?? 0);
    // Before it is read: what is accepted meanwhile is not counted yet.
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
