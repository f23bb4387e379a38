import type { JournalLoss } from './mark.ts';
import type { WriteResult } from './changing.ts';
import type { JournalStore } from './store.ts';
import type { StoredChange } from './stored-change.ts';
import type { JournalRefusal, JournalStats } from './types.ts';

/**
 * From the main thread: changes in order, the next ones after these are answered; `look` asks whether new ones would be
 * accepted; `close` ends the writer.
 */
export type ToWriter = readonly StoredChange[] | 'look' | 'close';

type Outcome = { readonly heldIds: readonly number[] } | JournalRefusal;

/** To the main thread: the outcomes of the changes, in order, once they are on disk. Absent: written, nothing held. */
export interface FromWriter {
  readonly outcomes: readonly (Outcome | undefined)[];
  readonly stats: JournalStats;
  /** For no change: the question was whether new ones would be accepted. */
  readonly looked?: true;
  /** With the first message: accepted events that are missing. */
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
  /** Whether refused events would be accepted now; `stats` then says so. */
  readonly look?: () => void;
  readonly lost?: JournalLoss | undefined;
};

/** How many messages are written before they are summarised: each summary has a fixed cost. */
const INDEX_EVERY = 16;

/** One transaction and one fsync for everything in a message. */
export function serveStore(store: ServedStore, port: WriterPort): void {
  let indexing = false;
  let unindexed = 0;
  let closed = false;

  /** Between the changes, which have priority. */
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
