import type { HeldEvent, Journal, JournalChange } from '../journal/journal.ts';
import { countUpTo, MOVED_AT_ONCE, refusedRecord } from './aside.ts';
import { HELD_FOR, type Fate } from './publish-line.ts';

/** A held event that was published once more. */
export interface Tried {
  readonly held: HeldEvent;
  readonly fate: Fate;
  readonly reason: string | undefined;
}

/** Writes down what became of held events; what the journal does not take now is written before anything is tried again. */
export class ReleaseWriter {
  readonly #journal: Pick<Journal, 'write'>;
  readonly #now: () => number;
  #unwritten: JournalChange[] = [];

  constructor({ journal, now }: { readonly journal: Pick<Journal, 'write'>; readonly now: () => number }) {
    this.#journal = journal;
    this.#now = now;
  }

  /** @throws CollectorError where the journal does not take it */
  async settle(tried: readonly Tried[]): Promise<void> {
    // Of one that is held for what it was held for before, nothing is new.
    const changed = tried.filter(({ held, fate }) => HELD_FOR[fate] !== held.reason);
    while (changed.length > 0) {
      const count = countUpTo(MOVED_AT_ONCE, changed, ({ held }) => held.line.length);
      this.#unwritten.push(changeOf(changed.splice(0, count), this.#now()));
    }
    await this.flush();
  }

  /** @throws CollectorError where the journal does not take it */
  async flush(): Promise<void> {
    const changes = this.#unwritten.splice(0);
    const outcomes = await Promise.allSettled(changes.map((change) => this.#journal.write(change)));
    this.#unwritten.unshift(...changes.filter((_, index) => outcomes[index]?.status === 'rejected'));
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    if (refused !== undefined) throw refused.reason;
  }
}

function changeOf(changed: readonly Tried[], nowMs: number): JournalChange {
  return {
    releaseEvents: changed.map(({ held }) => held.id),
    holdEvents: changed.flatMap(({ held: { type, sinceMs, line }, fate }) => {
      const reason = HELD_FOR[fate];
      return reason === undefined ? [] : [{ reason, type, sinceMs, line }];
    }),
    reject: changed
      .filter(({ fate }) => fate === 'refused')
      .map(({ held, reason }) => refusedRecord(held.line, reason, nowMs)),
  };
}
