import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { eventFiles, eventsOf } from './event-files.ts';

/** A store for the time of a question. */
export interface ArchiveStore extends AsyncDisposable {
  readonly store: UsageStore;
}

/**
 * Reads files of events into a store of their own, which is gone afterwards: nothing else need run.
 *
 * @param paths files of NDJSON, plain, gzip or zstd, or directories of them
 * @param onRead told how many events were read so far
 * @throws InputError with file and line where something is no event
 */
export async function openArchiveStore(
  paths: readonly string[],
  onRead: (events: number) => void = () => undefined,
): Promise<ArchiveStore> {
  const files = await eventFiles(paths);
  const directory = await mkdtemp(join(tmpdir(), 'clowder-otel-report-'));
  let store: UsageStore | undefined;
  const remove = async (): Promise<void> => {
    await store?.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    // In a file: an archive may be larger than memory.
    store = await openDuckdbStore({ path: join(directory, 'usage.duckdb') });
    let read = 0;
    for await (const events of eventsOf(files)) {
      await store.ingest(events);
      read += events.length;
      onRead(read);
    }
    return { store, [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
