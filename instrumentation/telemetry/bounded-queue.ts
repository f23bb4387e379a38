/** A bounded first-in, first-out queue. */
export class BoundedQueue<T> {
  readonly #max: number;
  /** Items before `#first` are gone. */
  #items: (T | undefined)[] = [];
  #first = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get length(): number {
    return this.#items.length - this.#first;
  }

  /**
   * Adds an item; drops the oldest if there are too many.
   *
   * @param besides items elsewhere that count towards the bound
   * @returns how many were dropped
   */
  push(item: T, besides = 0): number {
    this.#items.push(item);
    if (this.length + besides <= this.#max) return 0;
    this.#items[this.#first] = undefined;
    this.#first += 1;
    return 1;
  }

  /** Takes the oldest items, at most `count`. */
  take(count: number): T[] {
    const end = Math.min(this.#first + count, this.#items.length);
    const taken = this.#items.slice(this.#first, end).filter((item) => item !== undefined);
    this.#items.splice(0, end);
    this.#first = 0;
    return taken;
  }
}
