import { backOff, heeding } from '../../runtime/sending/back-off.ts';
import type { Clock } from '../../runtime/sending/clock.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { placesOf } from './catalog.ts';
import {
  datasetsThatOccur,
  filesWithoutDataset,
  keepEntries,
  keptEntries,
  storedCatalog,
  type KeptEntry,
} from './catalog-table.ts';
import { ClowderAway, type ClowderCatalog } from './clowder.ts';
import { eachOf } from './pace.ts';

/** Numbers of datasets by result. */
export interface Fetched {
  readonly datasets: number;
  /** Asked for and received. */
  readonly fetched: number;
  /** Unchanged at Clowder. */
  readonly same: number;
  /** Recent enough: not asked for. */
  readonly fresh: number;
  /** Deleted. */
  readonly gone: number;
  readonly forbidden: number;
  /** Clowder failed for them repeatedly. */
  readonly failed: number;
  /** Files whose dataset only Clowder knew. */
  readonly placed: number;
}

export interface FetchOptions {
  readonly store: UsageStore;
  readonly clowder: ClowderCatalog;
  /** Datasets asked for this long ago or longer are asked for again; milliseconds. */
  readonly maxAgeMs: number;
  readonly concurrent: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** A dataset is skipped after this many failures. */
const TRIES = 4;
/** After this many skipped datasets in a row, Clowder counts as away. */
const FAILED_IN_A_ROW = 5;
const PAUSE = { first: 1000, longest: 60_000 };
/** Entries are stored in batches: a kill loses one batch. */
const KEEP_EVERY = 20;

/**
 * Asks Clowder for the datasets in events that are unknown, or known for too long; then places files accordingly. Entries are
 * stored as they come, so that a run after a kill goes on.
 *
 * @throws ClowderAway if Clowder does not answer, even after waiting; entries until then are stored
 */
export async function fetchCatalog(options: FetchOptions): Promise<Fetched> {
  const { store, clowder, maxAgeMs, concurrent, clock, onProgress } = options;
  const kept = await keptEntries(store);
  const ask = patience(options);
  const occur = new Set(await datasetsThatOccur(store));
  const counts = { fetched: 0, same: 0, gone: 0, forbidden: 0, failed: 0, placed: 0 };
  await eachOf(await filesWithoutDataset(store), concurrent, async (file) => {
    const dataset = await ask(() => clowder.datasetOfFile(file));
    if (dataset === undefined || dataset === FAILED) return;
    counts.placed += 1;
    occur.add(dataset);
  });
  const due = [...occur].filter(
    (id) => clock.now() - (kept.get(id)?.fetchedMs ?? Number.NEGATIVE_INFINITY) >= maxAgeMs,
  );
  let batch: KeptEntry[] = [];
  let done = 0;
  const keep = async (): Promise<void> => {
    const entries = batch;
    batch = [];
    await keepEntries(store, entries);
  };
  try {
    await eachOf(due, concurrent, async (id) => {
      const before = kept.get(id);
      const described = await ask(() => clowder.dataset(id, before?.etag ?? null));
      done += 1;
      onProgress(done, due.length);
      if (described === FAILED) {
        counts.failed += 1;
        return;
      }
      counts[described.state === 'found' ? 'fetched' : described.state] += 1;
      batch.push(entryFor(id, described, before, clock.now()));
      if (batch.length >= KEEP_EVERY) await keep();
    });
  } finally {
    await keep();
    await store.place(placesOf(await storedCatalog(store)));
  }
  return { datasets: occur.size, ...counts, fresh: occur.size - due.length };
}

function entryFor(
  id: string,
  described: Awaited<ReturnType<ClowderCatalog['dataset']>>,
  before: KeptEntry | undefined,
  fetchedMs: number,
): KeptEntry {
  if (described.state === 'same') return { id, state: 'found', entry: null, etag: null, ...before, fetchedMs };
  if (described.state === 'found')
    return { id, state: 'found', entry: JSON.stringify(described.entry), etag: described.etag ?? null, fetchedMs };
  // The former name is still useful for a dataset that is gone.
  return { id, state: described.state, entry: before?.entry ?? null, etag: null, fetchedMs };
}

const FAILED = Symbol('failed');

/** Asks again after a while; FAILED if that does not help, although other questions have answers. */
function patience({ clock, random, signal }: FetchOptions): <T>(ask: () => Promise<T>) => Promise<T | typeof FAILED> {
  let inARow = 0;
  return async (ask) => {
    for (let tries = 1; ; tries += 1) {
      try {
        const answer = await ask();
        inARow = 0;
        return answer;
      } catch (error) {
        if (!(error instanceof ClowderAway) || signal.aborted) throw error;
        if (tries >= TRIES) {
          inARow += 1;
          if (inARow >= FAILED_IN_A_ROW) throw error;
          return FAILED;
        }
        await clock.wait(heeding(error.afterMs, backOff(tries, PAUSE, random)), signal);
      }
    }
  };
}
