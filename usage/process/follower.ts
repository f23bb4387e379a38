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

/** What is read and stored at once. */
const BATCH_BYTES = 4 * 1024 * 1024;
const CURSOR = 'journal';

/** Takes what the journal has into the store, in order and in batches, from where it had come to. */
export class Follower {
  readonly #source: EventSource;
  readonly #store: UsageStore;
  readonly #now: () => number;
  #takenRow: number | undefined;
  #countedUntilMs: number | undefined;
  #missedRows = 0;

  constructor(source: EventSource, store: UsageStore, now: () => number) {
    this.#source = source;
    this.#store = store;
    this.#now = now;
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
   * @returns whether there may be more
   */
  async step(): Promise<boolean> {
    this.#takenRow ??= Number((await this.#store.mark(CURSOR)) ?? 0);
    // Before it is read: what is accepted meanwhile is not counted yet.
    const readMs = this.#now();
    const rows = this.#source.read(this.#takenRow, BATCH_BYTES);
    const last = rows.at(-1);
    if (last === undefined) {
      this.#countedUntilMs = readMs;
      return false;
    }
    const events = rows.flatMap(({ lines }) =>
      lines.filter((line) => line !== '').map((line) => JSON.parse(line) as StoredEvent),
    );
    await this.#store.ingest(events, { [CURSOR]: String(last.row) });
    const first = rows[0]?.row ?? 0;
    if (this.#takenRow > 0 && first > this.#takenRow + 1) this.#missedRows += first - this.#takenRow - 1;
    this.#takenRow = last.row;
    this.#countedUntilMs = last.atMs;
    return true;
  }
}
