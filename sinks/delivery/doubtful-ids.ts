/**
 * Ids that are settled and may come once more all the same: an acknowledgement says nothing back, and with a lost
 * connection those on their way are lost too.
 */
export class DoubtfulIds {
  readonly #size: number;
  /** Settled on the link that is there, the newest last. */
  #recent: string[] = [];
  #doubtful = new Set<string>();

  /** @param size messages that a queue hands out before it has acknowledgements: as many may come again */
  constructor(size: number) {
    this.#size = size;
  }

  /** @param current whether its link is there still; otherwise its acknowledgement cannot be sent at all */
  settled(id: string, current: boolean): void {
    if (!current) {
      this.#doubtful.add(id);
      return;
    }
    this.#recent.push(id);
    if (this.#recent.length >= 2 * this.#size) this.#recent = this.#recent.slice(-this.#size);
  }

  linkLost(): void {
    // What stayed in doubt over a link that broke at once may come on the next one.
    this.#doubtful = new Set([...this.#doubtful, ...this.#recent].slice(-2 * this.#size));
    this.#recent = [];
  }

  /** Whether the id was settled already; that is asked once. */
  take(id: string): boolean {
    return this.#doubtful.delete(id);
  }
}
