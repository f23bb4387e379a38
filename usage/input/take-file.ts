import type { StoredEvent } from '../store/columns.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { BrokenFileError } from './errors.ts';
import type { Parsed } from './event-line.ts';
import { readLines, type Line } from './lines.ts';

/** Result of reading a file. */
export interface Taken {
  readonly lines: number;
  /** New events. */
  readonly stored: number;
  /** Events that were already stored. */
  readonly known: number;
  /** Unreadable lines. */
  readonly wrong: number;
  /** Why the file, or its end, is missing. */
  readonly broken?: BrokenFileError;
}

export interface TakeOptions {
  readonly store: Pick<UsageStore, 'ingest'>;
  readonly parse: (line: Line) => Parsed;
  /** Called for each unreadable line with `FILE:LINE: why`. If it throws, reading ends. */
  readonly onProblem: (message: string) => void;
  /** Called with the lines done and the bytes read. */
  readonly onProgress: (lines: number, bytes: number) => void;
}

/** Most events in one transaction. */
const BATCH = 20_000;

/** Stores a file's events. Unreadable lines are reported; the others are stored. */
export async function takeFile(path: string, { store, parse, onProblem, onProgress }: TakeOptions): Promise<Taken> {
  let [lines, stored, known, wrong] = [0, 0, 0, 0];
  let batch: StoredEvent[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const taken = await store.ingest(batch);
    stored += taken.stored;
    known += taken.known;
    batch = [];
  };
  let broken: BrokenFileError | undefined;
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
    if (!(error instanceof BrokenFileError)) throw error;
    broken = error;
  }
  await flush();
  return { lines, stored, known, wrong, ...(broken !== undefined && { broken }) };
}
