import { parentPort, workerData } from 'node:worker_threads';
import { JournalStore, type StoredChange, type StoreOptions } from './store.ts';
import type { JournalStats } from './types.ts';

/** From the main thread: changes in order, each with a number of its own; `close` ends the worker. */
export type ToWorker = { readonly number: number; readonly change: StoredChange } | 'close';

export type Outcome = { readonly number: number } & (
  | { readonly heldIds: readonly number[] }
  | { readonly code: 'journal_full' | 'journal_unavailable'; readonly message: string }
);

/** To the main thread: the outcomes of one transaction, once it is on disk. */
export interface FromWorker {
  readonly outcomes: readonly Outcome[];
  readonly stats: JournalStats;
}

/** The writer's thread: whatever came in while the last transaction was being synced goes into the next one. */
function run(port: NonNullable<typeof parentPort>): void {
  const store = new JournalStore(workerData as StoreOptions);
  let waiting: Exclude<ToWorker, 'close'>[] = [];
  let closing = false;
  let scheduled = false;

  function flush(): void {
    scheduled = false;
    const batch = waiting;
    waiting = [];
    if (batch.length > 0) {
      const results = store.write(
        batch.map(({ change }) => change),
        Date.now(),
      );
      const outcomes = results.map((result, index): Outcome => {
        const number = batch[index]?.number ?? -1;
        return result.ok
          ? { number, heldIds: result.heldIds }
          : { number, code: result.error.code, message: result.error.message };
      });
      post({ outcomes, stats: store.stats() });
    }
    if (closing) {
      store.close();
      port.close();
    }
  }

  function post(message: FromWorker): void {
    port.postMessage(message);
  }

  port.on('message', (message: ToWorker) => {
    if (message === 'close') closing = true;
    else waiting.push(message);
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  });
  post({ outcomes: [], stats: store.stats() });
}

if (parentPort !== null) run(parentPort);
