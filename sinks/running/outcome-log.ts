import type { Logger } from '../../runtime/logging.ts';
import type { Unburied } from '../queue/dead-letter-writer.ts';
import type { DeadClass } from '../queue/message.ts';
import type { SendOutcome } from '../../runtime/sending/outcome.ts';
import { sayUnburied } from './unburied.ts';

/** Interval at which a lasting problem is logged again. */
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

/**
 * Logs for an operator when a service stops taking events, while it still does not, and when it does again; not every attempt.
 */
export class OutcomeLog {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #sink: string;
  #problem: Problem | undefined;
  #dead = new Map<DeadClass, Dead>();

  constructor(log: Logger, now: () => number, sink: string) {
    this.#log = log;
    this.#now = now;
    this.#sink = sink;
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
      this.#log.error({ reason }, 'the service refuses us: check its settings (sink check); events wait in the queue');
    else this.#log.warn({ reason }, 'the service did not take a batch: it is sent again');
  }

  dead(why: DeadClass, reason: string): void {
    const known = this.#dead.get(why);
    if (known === undefined) this.#dead.set(why, { count: 1, reason });
    else known.count += 1;
  }

  /** @param unburied undefined once RabbitMQ accepts dead letters again */
  unburied(unburied: Unburied | undefined): void {
    if (unburied === undefined) this.#log.info('RabbitMQ takes dead letters again');
    else this.#log.error(sayUnburied(this.#sink, unburied));
  }

  /** Logs the dead letters since the last call, one line per class. */
  summarise(): void {
    for (const [why, { count, reason }] of this.#dead)
      this.#log.warn(
        { class: why, count, first_reason: reason },
        'put aside in the dead-letter queue: sink dead lists them',
      );
    this.#dead = new Map();
  }
}
