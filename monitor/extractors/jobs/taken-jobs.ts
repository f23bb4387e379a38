/** What the management API says of a queue that an extractor takes its jobs from. */
export interface TakenFigures {
  /** Jobs that were taken and not acknowledged. */
  readonly unacknowledged: number;
  /** How often a job of the queue was acknowledged, or given to somebody again: it grows while jobs go on. */
  readonly turns: number;
}

/** Jobs that an extractor has, and that nothing became of since then. */
export interface Held {
  readonly count: number;
  readonly sinceMs: number;
}

/** For how long extractors have jobs without one being acknowledged: by looks at their queues, whatever the jobs say. */
export class TakenJobs {
  readonly #held = new Map<string, Held & { readonly turns: number; readonly lookedMs: number }>();

  looked(queue: string, figures: TakenFigures, atMs: number): void {
    const { unacknowledged: count, turns } = figures;
    if (count === 0) {
      this.#held.delete(queue);
      return;
    }
    const before = this.#held.get(queue);
    this.#held.set(queue, { count, turns, lookedMs: atMs, sinceMs: before?.turns === turns ? before.sinceMs : atMs });
  }

  /** @returns undefined also if the latest look was before then: nobody knows what has become of them */
  of(queue: string, lookedSinceMs: number): Held | undefined {
    const held = this.#held.get(queue);
    return held === undefined || held.lookedMs < lookedSinceMs ? undefined : held;
  }
}
