import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckdbStore, type DuckdbStoreOptions } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { InputError } from './errors.ts';
import { parseEventLine } from './event-line.ts';
import { filesOf } from './files.ts';
import { takeFile } from './take-file.ts';

/** A store for the duration of a question. */
export interface ArchiveStore extends AsyncDisposable {
  readonly store: UsageStore;
}

/**
 * Reads files of events into a temporary store; no other program needs to run.
 *
 * @param paths files of NDJSON, plain, gzip or zstd, or directories of them
 * @param onRead called with the number of lines read so far
 * @param judging the site's rules for counting
 * @throws InputError with file and line if something is not an event
 */
export async function openArchiveStore(
  paths: readonly string[],
  onRead: (lines: number) => void = () => undefined,
  judging: Pick<DuckdbStoreOptions, 'policy' | 'countries'> = {},
): Promise<ArchiveStore> {
  const files = await filesOf(paths, 'events');
  const directory = await mkdtemp(join(tmpdir(), 'clowder-otel-report-'));
  let store: UsageStore | undefined;
  const remove = async (): Promise<void> => {
    await store?.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    // In a file: an archive may be larger than memory.
    store = await openDuckdbStore({ path: join(directory, 'usage.duckdb'), ...judging });
    let before = 0;
    for (const file of files) {
      const { lines, broken } = await takeFile(file, {
        store,
        parse: ({ text }) => parseEventLine(text),
        // A report on a part would be mistaken for one on the whole.
        onProblem: (problem) => {
          throw new InputError('bad_input', problem);
        },
        onProgress: (done) => onRead(before + done),
      });
      if (broken !== undefined) throw broken;
      before += lines;
    }
    return { store, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
