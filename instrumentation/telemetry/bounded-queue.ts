/** What waits, in order of its coming, up to a bound; taking from the front costs nothing. */
export class BoundedQueue<T> {
  readonly #max: number;
  /** Those before `#first` are gone. */
  #items: (T | undefined)[] = [];
  #first = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get length(): number {
    return this.#items.length - this.#first;
  }

  /**
   * Adds one; the oldest goes if there are too many.
   *
   * @param besides how many count towards the bound without being here
   * @returns how many went
   */
  push(item: T, besides = 0): number {
    this.#items.push(item);
    if (this.length + besides <= this.#max) return 0;
    this.#items[this.#first] = undefined;
    this.#first += 1;
    return 1;
  }

  /** Takes the oldest, as many as there are up to the number. */
  take(count: number): T[] {
    const end = Math.min(this.#first + count, this.#items.length);
    const taken = this.#items.slice(this.#first, end).filter((item) => item !== undefined);
    this.#items.splice(0, end);
    this.#first = 0;
    return taken;
  }
}
