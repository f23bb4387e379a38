/** Keeps values for a time, and at most a given number; beyond it, the least recently used one is dropped. */
export class TtlCache<V> {
  readonly #max: number;
  readonly #now: () => number;
  /** In order of use, least recent first. */
  readonly #entries = new Map<string, { readonly value: V; readonly until: number }>();

  /** @param now milliseconds, from a monotonic clock */
  constructor(max: number, now: () => number) {
    this.#max = max;
    this.#now = now;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#now()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: V, forMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.#now() + forMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#max && oldest !== undefined) this.#entries.delete(oldest);
  }

  get size(): number {
    return this.#entries.size;
  }
}
