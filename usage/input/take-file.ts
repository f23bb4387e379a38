import type { StoredEvent } from '../store/columns.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { BrokenFileError } from './errors.ts';
import type { Parsed } from './event-line.ts';
import { readLines, type Line } from './lines.ts';

/** What became of a file. */
export interface Taken {
  readonly lines: number;
  /** Events that are new. */
  readonly stored: number;
  /** Events that were there already. */
  readonly known: number;
  /** Lines that cannot be read. */
  readonly wrong: number;
  /** Why it, or the end of it, is missing. */
  readonly broken?: BrokenFileError;
}

export interface TakeOptions {
  readonly store: Pick<UsageStore, 'ingest'>;
  readonly parse: (line: Line) => Parsed;
  /** Told of each line that cannot be read: `FILE:LINE: why`. Where it throws, no more is read. */
  readonly onProblem: (message: string) => void;
  /** Told how many lines were done, and how many bytes of the file were read. */
  readonly onProgress: (lines: number, bytes: number) => void;
}

/** Events in one transaction. */
const BATCH = 20_000;

/** Takes a file into the store. A line that cannot be read is told, and the others are taken. */
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
