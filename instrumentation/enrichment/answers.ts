import type { Asked } from './ask.ts';
import type { Facts, User } from './lookups.ts';
import { TtlCache } from './ttl-cache.ts';

/** What a look-up found; null if Clowder says nothing about it. */
export type Found = (Facts & User) | null;

/** A look-up and the key under which its answer is cached. */
export interface Question {
  readonly key: string;
  readonly ask: () => Promise<Asked>;
}

export interface AnswersOptions {
  readonly cacheEntries: number;
  readonly cacheMs: number;
  /** Milliseconds, from a monotonic clock. @default performance.now */
  readonly now?: () => number;
}

/** A missing answer may change soon, such as when a dataset is made public or a key is created. */
const LONGEST_NONE_MS = 60_000;

/** Caches answers for a time, and shares a look-up that is already under way. */
export class Answers {
  readonly #cache: TtlCache<Found>;
  readonly #cacheMs: number;
  /** Look-ups under way, shared by all that wait for them. */
  readonly #flights = new Map<string, Promise<Asked>>();

  constructor({ cacheEntries, cacheMs, now = () => performance.now() }: AnswersOptions) {
    this.#cache = new TtlCache(cacheEntries, now);
    this.#cacheMs = cacheMs;
  }

  /** undefined if unknown or expired. */
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
