import type { Logger } from '../../runtime/logging.ts';
import type { DeadClass } from '../queue/message.ts';
import type { SendOutcome } from '../../runtime/sending/outcome.ts';

/** A problem that lasts is told again after so long. */
const REPEAT_MS = 60_000;

interface Problem {
  readonly kind: 'retry' | 'misconfigured';
  readonly sinceMs: number;
  toldMs: number;
}

interface Dead {
  count: number;
  reason: string;
}

/** What an operator reads: when a service stops taking events, while it does not, and when it does again; not every try. */
export class OutcomeLog {
  readonly #log: Logger;
  readonly #now: () => number;
  #problem: Problem | undefined;
  #dead = new Map<DeadClass, Dead>();

  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  sent(outcome: SendOutcome): void {
    const now = this.#now();
    if (outcome.kind !== 'retry' && outcome.kind !== 'misconfigured') {
      if (this.#problem !== undefined)
        this.#log.info({ after_s: Math.round((now - this.#problem.sinceMs) / 1000) }, 'the service takes events again');
      this.#problem = undefined;
      return;
    }
    const { kind, reason } = outcome;
    if (this.#problem?.kind === kind && now - this.#problem.toldMs < REPEAT_MS) return;
    this.#problem = { kind, sinceMs: this.#problem?.sinceMs ?? now, toldMs: now };
    if (kind === 'misconfigured')
      this.#log.error({ reason }, 'the service refuses us: see to its settings (sink check); events wait in the queue');
    else this.#log.warn({ reason }, 'the service did not take a batch: it is sent again');
  }

  dead(why: DeadClass, reason: string): void {
    const known = this.#dead.get(why);
    if (known === undefined) this.#dead.set(why, { count: 1, reason });
    else known.count += 1;
  }

  /** Tells of the dead letters since the last time, a line a class. */
  summarise(): void {
    for (const [why, { count, reason }] of this.#dead)
      this.#log.warn(
        { class: why, count, first_reason: reason },
        'put aside in the dead-letter queue: sink dead lists them',
      );
    this.#dead = new Map();
  }
}
