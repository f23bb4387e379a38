import type { JournalLoss } from './mark.ts';
import type { WriteResult } from './changing.ts';
import type { JournalStore } from './store.ts';
import type { StoredChange } from './stored-change.ts';
import type { JournalRefusal, JournalStats } from './types.ts';

/** From the main thread: changes in order, the next ones once these are answered; `look` asks whether new ones would be taken; `close` ends the writer. */
export type ToWriter = readonly StoredChange[] | 'look' | 'close';

type Outcome = { readonly heldIds: readonly number[] } | JournalRefusal;

/** To the main thread: what became of the changes, in their order, once they are on disk. Absent: written, nothing held. */
export interface FromWriter {
  readonly outcomes: readonly (Outcome | undefined)[];
  readonly stats: JournalStats;
  /** Of no change: whether new ones would be taken was asked. */
  readonly looked?: true;
  /** With the first message: what was accepted once and is not there. */
  readonly lost?: JournalLoss | undefined;
}

/** The writer's end of the line to the main thread. */
export interface WriterPort {
  on(event: 'message', listener: (message: ToWriter) => void): unknown;
  postMessage(message: FromWriter): void;
  close(): void;
}

/** What is served: the store, or one that minds its disk. */
type ServedStore = Pick<JournalStore, 'write' | 'index' | 'stats' | 'close'> & {
  /** Whether what it turned away would be taken now: `stats` says so then. */
  readonly look?: () => void;
  readonly lost?: JournalLoss | undefined;
};

/** Messages after which what they brought is summed up: each reading of it costs, however little there is. */
const INDEX_EVERY = 16;

/** One transaction, and one fsync, for all that one message brings. */
export function serveStore(store: ServedStore, port: WriterPort): void {
  let indexing = false;
  let unindexed = 0;
  let closed = false;

  /** Between the changes, which come first. */
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
