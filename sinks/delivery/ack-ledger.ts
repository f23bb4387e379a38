export interface Ack {
  readonly tag: number;
  /** Also acknowledges everything before it. */
  readonly multiple: boolean;
}

/** Unacknowledged delivery tags of one link, in order of arrival. Tags only rise. */
export class AckLedger {
  readonly #open = new Set<number>();

  get size(): number {
    return this.#open.size;
  }

  add(tag: number): void {
    this.#open.add(tag);
  }

  /** @returns as few acks as possible: one covers all tags that have no older open tag */
  settle(tags: readonly number[]): readonly Ack[] {
    const settled = tags.filter((tag) => this.#open.delete(tag));
    const [oldestOpen = Number.POSITIVE_INFINITY] = this.#open;
    const single = settled.filter((tag) => tag > oldestOpen).map((tag) => ({ tag, multiple: false }));
    const before = settled.filter((tag) => tag < oldestOpen);
    if (before.length === 0) return single;
    return [{ tag: before.reduce((a, b) => Math.max(a, b)), multiple: true }, ...single];
  }
}
