import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { takeFromOthers } from './private-file.ts';

/** How far events were acknowledged, as recorded outside the journal. */
export interface Mark {
  /** How many rows and held lines the journal ever had. */
  readonly rows: number;
  readonly held: number;
  readonly atMs: number;
}

/** Accepted events that are missing from the journal: it was cut, or is an earlier copy. */
export interface JournalLoss {
  /** Batches of events, and waiting observations. */
  readonly batches: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

const BYTES = 24;

/**
 * A file beside the journal with the number of its last row, written after each commit. SQLite takes a truncated WAL for a
 * complete one; the number reveals what is missing. The file is not synced, so at worst the number is too low.
 */
export class MarkFile {
  readonly #file: number;
  readonly #bytes = new DataView(new ArrayBuffer(BYTES));

  constructor(path: string) {
    takeFromOthers(path);
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** Undefined if there is none yet. */
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
      // The disk was full before the file was first written.
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** @param found the actual state of the journal */
export function lossOf(mark: Mark | undefined, found: Mark): JournalLoss | undefined {
  if (mark === undefined) return undefined;
  const batches = Math.max(0, mark.rows - found.rows) + Math.max(0, mark.held - found.held);
  return batches === 0 ? undefined : { batches, sinceMs: found.atMs, untilMs: mark.atMs };
}

/** For people: what may be missing, and where to get it again. */
export function describeLoss({ batches, sinceMs, untilMs }: JournalLoss): string {
  const [since, until] = [sinceMs, untilMs].map((ms) => new Date(ms).toISOString());
  return `The journal was cut, or is a copy of an earlier time: ${batches} batches of events are missing, accepted after ${since} and up to ${until}. Consumers have those that were published by then; only their producers can send the others again`;
}
