import { parentPort, workerData } from 'node:worker_threads';
import { KEY_RULE } from '../intake/intake-keys.ts';
import { GuardedStore } from './guarded-store.ts';
import type { JournalLoss } from './mark.ts';
import type { StoredChange, StoreOptions, WriteResult } from './store.ts';
import type { JournalRefusal, JournalStats } from './types.ts';

/** From the main thread: changes in order, the next ones once these are answered; `close` ends the worker. */
export type ToWorker = readonly StoredChange[] | 'close';

type Outcome = { readonly heldIds: readonly number[] } | JournalRefusal;

/** To the main thread: what became of the changes, in their order, once they are on disk. Absent: written, nothing held. */
export interface FromWorker {
  readonly outcomes: readonly (Outcome | undefined)[];
  readonly stats: JournalStats;
  /** With the first message: what was accepted once and is not there. */
  readonly lost?: JournalLoss | undefined;
}

/** The writer's thread: one transaction, and one fsync, for all that one message brings. */
function run(port: NonNullable<typeof parentPort>): void {
  const store = new GuardedStore({ ...(workerData as StoreOptions), keyRule: KEY_RULE });
  let indexing = false;
  let closed = false;

  /** Between the changes, which come first. */
  function indexOn(): void {
    indexing = !closed && store.index();
    if (indexing) setImmediate(indexOn);
  }

  function post(message: FromWorker): void {
    port.postMessage(message);
  }

  port.on('message', (message: ToWorker) => {
    if (message !== 'close') {
      post({ outcomes: store.write(message, Date.now()).map(outcomeOf), stats: store.stats() });
      if (!indexing) {
        indexing = true;
        setImmediate(indexOn);
      }
      return;
    }
    closed = true;
    store.close();
    port.close();
  });
  post({ outcomes: [], stats: store.stats(), lost: store.lost });
  indexing = true;
  setImmediate(indexOn);
}

function outcomeOf(result: WriteResult): Outcome | undefined {
  if (!result.ok) return result.refusal;
  return result.heldIds.length === 0 ? undefined : { heldIds: result.heldIds };
}

if (parentPort !== null) run(parentPort);
