import type { Asked } from './ask.ts';
import type { Facts, User } from './lookups.ts';
import { TtlCache } from './ttl-cache.ts';

/** What a look-up told; null if Clowder says nothing of it. */
export type Found = (Facts & User) | null;

/** A look-up under the name that its answer is kept by. */
export interface Question {
  readonly key: string;
  readonly ask: () => Promise<Asked>;
}

export interface AnswersOptions {
  readonly cacheEntries: number;
  readonly cacheMs: number;
  /** Milliseconds, of a clock that does not jump. @default performance.now */
  readonly now?: () => number;
}

/** What Clowder does not tell may be told soon: when a dataset becomes public, when a key is made. */
const LONGEST_NONE_MS = 60_000;

/** Answers, kept for a time; a question that is asked already is not asked twice. */
export class Answers {
  readonly #cache: TtlCache<Found>;
  readonly #cacheMs: number;
  /** Look-ups under way, shared by all who wait for them. */
  readonly #flights = new Map<string, Promise<Asked>>();

  constructor({ cacheEntries, cacheMs, now = () => performance.now() }: AnswersOptions) {
    this.#cache = new TtlCache(cacheEntries, now);
    this.#cacheMs = cacheMs;
  }

  /** undefined if it is not known, or not any more. */
  known(key: string): Found | undefined {
    return this.#cache.get(key);
  }

  ask({ key, ask }: Question): Promise<Asked> {
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = ask()
        .then((asked) => {
          if ('facts' in asked) this.#keep(key, asked.facts);
          return asked;
        })
        .finally(() => this.#flights.delete(key));
      this.#flights.set(key, flight);
    }
    return flight;
  }

  #keep(key: string, found: Found): void {
    this.#cache.set(key, found, found === null ? Math.min(this.#cacheMs, LONGEST_NONE_MS) : this.#cacheMs);
  }
}
