/** What the management API says about an extractor's queue. */
export interface TakenFigures {
  /** Jobs that were taken and not acknowledged. */
  readonly unacknowledged: number;
  /** How often a job of the queue was acknowledged or redelivered: it grows while jobs progress. */
  readonly turns: number;
}

/** Jobs that an extractor has taken, without progress since then. */
export interface Held {
  readonly count: number;
  readonly sinceMs: number;
}

/** Tracks how long an extractor has held jobs without acknowledging any, from its queue alone, whatever the jobs report. */
export class TakenJobs {
  readonly #held = new Map<string, Held & { readonly turns: number; readonly lookedMs: number }>();

  /**
   * @param atMs when, as events tell it
   * @param lookedMs the same by a clock that nobody sets, by which `of` tells whether the look is recent
   */
  looked(queue: string, figures: TakenFigures, atMs: number, lookedMs: number): void {
    const { unacknowledged: count, turns } = figures;
    if (count === 0) {
      this.#held.delete(queue);
      return;
    }
    const before = this.#held.get(queue);
    this.#held.set(queue, { count, turns, lookedMs, sinceMs: before?.turns === turns ? before.sinceMs : atMs });
  }

  /** @returns undefined if the extractor holds no jobs, or if the latest look is older than `lookedSinceMs` */
  of(queue: string, lookedSinceMs: number): Held | undefined {
    const held = this.#held.get(queue);
    return held === undefined || held.lookedMs < lookedSinceMs ? undefined : held;
  }
}
