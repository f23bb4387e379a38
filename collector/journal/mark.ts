import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { takeFromOthers } from './private-file.ts';

/** What was acknowledged, as far as that was written down apart from the journal. */
export interface Mark {
  /** Rows of the journal, and lines held, that there ever were. */
  readonly rows: number;
  readonly held: number;
  readonly atMs: number;
}

/** Accepted events that the journal does not have: it was cut, or is a copy of an earlier time. */
export interface JournalLoss {
  /** Batches of events, and observations that waited. */
  readonly batches: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

const BYTES = 24;

/**
 * A file beside the journal with the number of its last row, written after each commit. SQLite takes a WAL that was cut for
 * one that ends there; the number says that there was more. It is not synced: at most it says too little.
 */
export class MarkFile {
  readonly #file: number;
  readonly #bytes = new DataView(new ArrayBuffer(BYTES));

  constructor(path: string) {
    takeFromOthers(path);
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** undefined where there is none yet. */
  read(): Mark | undefined {
    if (readSync(this.#file, this.#bytes, 0, BYTES, 0) < BYTES) return undefined;
    return {
      rows: this.#bytes.getFloat64(0),
      held: this.#bytes.getFloat64(8),
      atMs: this.#bytes.getFloat64(16),
    };
  }

  write({ rows, held, atMs }: Mark): void {
    this.#bytes.setFloat64(0, rows);
    this.#bytes.setFloat64(8, held);
    this.#bytes.setFloat64(16, atMs);
    try {
      writeSync(this.#file, this.#bytes, 0, BYTES, 0);
    } catch {
      // A full disk, before there ever was one.
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** @param found of the journal as it is */
export function lossOf(mark: Mark | undefined, found: Mark): JournalLoss | undefined {
  if (mark === undefined) return undefined;
  const batches = Math.max(0, mark.rows - found.rows) + Math.max(0, mark.held - found.held);
  return batches === 0 ? undefined : { batches, sinceMs: found.atMs, untilMs: mark.atMs };
}

/** For people: what may be missing, and where it may be had again. */
export function describeLoss({ batches, sinceMs, untilMs }: JournalLoss): string {
  const [since, until] = [sinceMs, untilMs].map((ms) => new Date(ms).toISOString());
  return `The journal was cut, or is a copy of an earlier time: ${batches} batches of events are missing, accepted after ${since} and up to ${until}. Consumers have those that were published by then; only their producers can send the others again`;
}
