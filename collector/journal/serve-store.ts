import type { JournalLoss } from './mark.ts';
import type { WriteResult } from './changing.ts';
import type { JournalStore } from './store.ts';
import type { StoredChange } from './stored-change.ts';
import type { JournalRefusal, JournalStats } from './types.ts';

/**
 * From the main thread: changes in order, the next ones only after an answer; `look` asks whether new events would be
 * accepted; `close` ends the writer.
 */
export type ToWriter = readonly StoredChange[] | 'look' | 'close';

type Outcome = { readonly heldIds: readonly number[] } | JournalRefusal;

/** To the main thread: the outcomes of the changes, in order, once they are on disk. Absent: written, nothing held. */
export interface FromWriter {
  readonly outcomes: readonly (Outcome | undefined)[];
  readonly stats: JournalStats;
  /** Set in the answer to `look`, which has no outcomes. */
  readonly looked?: true;
  /** In the first message: accepted events that the journal lacks. */
  readonly lost?: JournalLoss | undefined;
}

/** The writer's side of the channel to the main thread. */
export interface WriterPort {
  on(event: 'message', listener: (message: ToWriter) => void): unknown;
  postMessage(message: FromWriter): void;
  close(): void;
}

/** The store to serve, or one that guards its disk. */
type ServedStore = Pick<JournalStore, 'write' | 'index' | 'stats' | 'close'> & {
  /** Checks whether refused events would be accepted now, and updates `stats`. */
  readonly look?: () => void;
  readonly lost?: JournalLoss | undefined;
};

/** Messages between two runs of the indexer, because each run has a fixed cost. */
const INDEX_EVERY = 16;

/** Serves a store. Everything in one message shares a transaction and an fsync. */
export function serveStore(store: ServedStore, port: WriterPort): void {
  let indexing = false;
  let unindexed = 0;
  let closed = false;

  /** Indexes between the changes, which have priority. */
  function indexOn(): void {
    indexing = !closed && store.index();
    if (indexing) setImmediate(indexOn);
  }

  function startIndexing(): void {
    if (indexing) return;
    unindexed = 0;
    indexing = true;
    setImmediate(indexOn);
  }

  port.on('message', (message) => {
    if (message === 'look') {
      store.look?.();
      port.postMessage({ outcomes: [], stats: store.stats(), looked: true });
      return;
    }
    if (message !== 'close') {
      port.postMessage({ outcomes: store.write(message, Date.now()).map(outcomeOf), stats: store.stats() });
      unindexed += 1;
      if (unindexed >= INDEX_EVERY) startIndexing();
      return;
    }
    closed = true;
    store.close();
    port.close();
  });
  port.postMessage({ outcomes: [], stats: store.stats(), lost: store.lost });
  startIndexing();
}

function outcomeOf(result: WriteResult): Outcome | undefined {
  if (!result.ok) return result.refusal;
  return result.heldIds.length === 0 ? undefined : { heldIds: result.heldIds };
}
