/**
 * Ids that are settled but may arrive again. Acknowledgements are not confirmed, and those on their way are lost if the
 * connection breaks.
 */
export class DoubtfulIds {
  readonly #size: number;
  /** Settled on the current link, newest last. */
  #recent: string[] = [];
  #doubtful = new Set<string>();

  /** @param size most messages that the queue delivers without acknowledgements, all of which may come again */
  constructor(size: number) {
    this.#size = size;
  }

  /** @param current whether its link still exists; if not, the acknowledgement cannot be sent */
  settled(id: string, current: boolean): void {
    if (!current) {
      this.#doubtful.add(id);
      return;
    }
    this.#recent.push(id);
    if (this.#recent.length >= 2 * this.#size) this.#recent = this.#recent.slice(-this.#size);
  }

  linkLost(): void {
    // If a link broke at once, its doubtful ids may arrive on the next one.
    this.#doubtful = new Set([...this.#doubtful, ...this.#recent].slice(-2 * this.#size));
    this.#recent = [];
  }

  /** Whether the id was already settled; each doubt is used once. */
  take(id: string): boolean {
    return this.#doubtful.delete(id);
  }
}
