export interface Ack {
  readonly tag: number;
  /** Together with all that came before it. */
  readonly multiple: boolean;
}

/** Delivery tags of one link that are not acknowledged yet, in the order they came; tags only rise. */
export class AckLedger {
  readonly #open = new Set<number>();

  get size(): number {
    return this.#open.size;
  }

  add(tag: number): void {
    this.#open.add(tag);
  }

  /** @returns the fewest acks that say so: one for all that are followed by no older open one */
  settle(tags: readonly number[]): readonly Ack[] {
    const settled = tags.filter((tag) => this.#open.delete(tag));
    const [oldestOpen = Number.POSITIVE_INFINITY] = this.#open;
    const single = settled.filter((tag) => tag > oldestOpen).map((tag) => ({ tag, multiple: false }));
    const before = settled.filter((tag) => tag < oldestOpen);
    if (before.length === 0) return single;
    return [{ tag: before.reduce((a, b) => Math.max(a, b)), multiple: true }, ...single];
  }
}
