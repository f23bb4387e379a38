import type { HeldEvent, Journal, JournalChange } from '../journal/journal.ts';
import { countUpTo, MOVED_AT_ONCE, refusedRecord } from './aside.ts';
import { HELD_FOR, type Fate } from './publish-line.ts';

/** A held event that was published once more. */
export interface Tried {
  readonly held: HeldEvent;
  readonly fate: Fate;
  readonly reason: string | undefined;
}

/** Records the outcomes of held events. Outcomes that the journal refuses are written before anything is tried again. */
export class ReleaseWriter {
  readonly #journal: Pick<Journal, 'write'>;
  readonly #now: () => number;
  #unwritten: JournalChange[] = [];

  constructor({ journal, now }: { readonly journal: Pick<Journal, 'write'>; readonly now: () => number }) {
    this.#journal = journal;
    this.#now = now;
  }

  /** @throws CollectorError if the journal refuses a change */
  async settle(tried: readonly Tried[]): Promise<void> {
    // An event that stays held for the same reason has not changed.
    const changed = tried.filter(({ held, fate }) => HELD_FOR[fate] !== held.reason);
    while (changed.length > 0) {
      const count = countUpTo(MOVED_AT_ONCE, changed, ({ held }) => held.line.length);
      this.#unwritten.push(changeOf(changed.splice(0, count), this.#now()));
    }
    await this.flush();
  }

  /** @throws CollectorError if the journal refuses a change */
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
