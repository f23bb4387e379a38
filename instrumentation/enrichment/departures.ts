/** One that waits to leave. */
export interface Departure {
  /** Lets it leave as soon as nothing is ahead of it. */
  ready(): void;
}

interface Waiting extends Departure {
  isReady: boolean;
  hasLeft: boolean;
  ahead: number;
  readonly behind: Waiting[];
}

/** Keeps departures that share a resource in their order of arrival; others may overtake. */
export class Departures {
  readonly #latest = new Map<string, Waiting>();
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Whether a waiting departure has one of these resources. */
  isHeld(resources: readonly string[]): boolean {
    return resources.some((resource) => this.#latest.has(resource));
  }

  /** @param leave called once, when this departure is ready and those ahead have left */
  wait(resources: readonly string[], leave: () => void): Departure {
    const ahead = new Set(resources.flatMap((resource) => this.#latest.get(resource) ?? []));
    const leaveIfFree = (one: Waiting): void => {
      if (!one.isReady || one.ahead > 0) return;
      one.hasLeft = true;
      this.#size -= 1;
      for (const resource of resources) if (this.#latest.get(resource) === one) this.#latest.delete(resource);
      leave();
      for (const next of one.behind) {
        next.ahead -= 1;
        if (next.isReady) next.ready();
      }
    };
    const waiting: Waiting = {
      isReady: false,
      hasLeft: false,
      ahead: ahead.size,
      behind: [],
      ready: () => {
        if (waiting.hasLeft) return;
        waiting.isReady = true;
        leaveIfFree(waiting);
      },
    };
    this.#size += 1;
    for (const one of ahead) one.behind.push(waiting);
    for (const resource of resources) this.#latest.set(resource, waiting);
    return waiting;
  }
}
