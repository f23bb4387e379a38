import type { StoredEvent } from '../store/columns.ts';
import type { UsageStore } from '../store/usage-store.ts';
import type { Parsed } from './event-line.ts';
import { CutOffError, readLines, type Line } from './read-lines.ts';

/** What became of a file. */
export interface Imported {
  readonly lines: number;
  /** Events that are new. */
  readonly stored: number;
  /** Events that were there already. */
  readonly known: number;
  /** Lines that cannot be read. */
  readonly wrong: number;
  /** Why the end of the file is missing. */
  readonly cutOff?: string;
}

export interface ImportOptions {
  readonly store: UsageStore;
  readonly parse: (line: Line) => Parsed;
  /** Told of each line that cannot be read: `FILE:LINE: why`. */
  readonly onProblem: (message: string) => void;
  /** Told how many lines were done, and how many bytes of the file were read. */
  readonly onProgress: (lines: number, bytes: number) => void;
}

/** Events in one transaction. */
const BATCH = 20_000;

/** Takes a file into the store. A line that cannot be read is told, and the others are taken. */
export async function importFile(
  path: string,
  { store, parse, onProblem, onProgress }: ImportOptions,
): Promise<Imported> {
  let [lines, stored, known, wrong] = [0, 0, 0, 0];
  let batch: StoredEvent[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const taken = await store.ingest(batch);
    stored += taken.stored;
    known += taken.known;
    batch = [];
  };
  let cutOff: string | undefined;
  try {
    for await (const read of readLines(path)) {
      for (const line of read.lines) {
        const parsed = parse(line);
        lines += 1;
        if ('events' in parsed) for (const event of parsed.events) batch.push(event);
        else {
          wrong += 1;
          onProblem(`${path}:${line.number}: ${parsed.problem}`);
        }
      }
      if (batch.length >= BATCH) await flush();
      onProgress(lines, read.bytes);
    }
  } catch (error) {
    if (!(error instanceof CutOffError)) throw error;
    cutOff = error.message;
  }
  await flush();
  return { lines, stored, known, wrong, ...(cutOff !== undefined && { cutOff }) };
}
