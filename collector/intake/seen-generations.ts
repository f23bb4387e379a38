import { mix, WORDS, type IdKey } from '../journal/id-key.ts';

const FIRST_SLOTS = 1024;
/** Average keys per bucket, few enough for one cache line of the processor. */
const BUCKET = 4;

/** Keys of the ids seen in one period. */
export interface Generation {
  readonly count: number;
  /** When the youngest of its ids was added. */
  readonly lastMs: number;
  readonly bytes: number;
  has(key: IdKey, mixed: number): boolean;
  delete(key: IdKey, mixed: number): void;
}

/** The generation that takes new ids: a hash table with open addressing and no object per id. */
export class OpenGeneration implements Generation {
  readonly startedMs: number;
  lastMs: number;
  count = 0;
  #slots = new Uint32Array(FIRST_SLOTS * WORDS);

  constructor(startedMs: number) {
    this.startedMs = startedMs;
    this.lastMs = startedMs;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  has(key: IdKey, mixed: number): boolean {
    return this.#isAt(this.#find(key, mixed));
  }

  add(key: IdKey, mixed: number): void {
    if (this.count * 2 * WORDS >= this.#slots.length) this.#grow();
    const at = this.#find(key, mixed);
    if (this.#isAt(at)) return;
    this.#slots.set(key, at);
    this.count += 1;
  }

  /** Removes a key and moves up those that it had displaced. */
  delete(key: IdKey, mixed: number): void {
    const at = this.#find(key, mixed);
    if (!this.#isAt(at)) return;
    this.#slots.fill(0, at, at + WORDS);
    this.count -= 1;
    let next = (at + WORDS) % this.#slots.length;
    while (this.#isAt(next)) {
      const moved = this.#slots.slice(next, next + WORDS);
      this.#slots.fill(0, next, next + WORDS);
      this.#slots.set(moved, this.#find(moved, mix(moved)));
      next = (next + WORDS) % this.#slots.length;
    }
  }

  /** The same keys, with no room for more. */
  close(): ClosedGeneration {
    const keys = new Uint32Array(this.count * WORDS);
    let to = 0;
    for (let at = 0; at < this.#slots.length; at += WORDS) {
      if (!this.#isAt(at)) continue;
      keys.set(this.#slots.subarray(at, at + WORDS), to);
      to += WORDS;
    }
    return new ClosedGeneration([keys], this.lastMs);
  }

  #isAt(at: number): boolean {
    const slots = this.#slots;
    return slots[at] !== 0 || slots[at + 1] !== 0 || slots[at + 2] !== 0;
  }

  /** Where the key is, or would go. */
  #find(key: IdKey, mixed: number): number {
    const slots = this.#slots;
    const size = slots.length;
    let at = (mixed % (size / WORDS)) * WORDS;
    while (this.#isAt(at)) {
      if (slots[at] === key[0] && slots[at + 1] === key[1] && slots[at + 2] === key[2]) return at;
      at = at + WORDS === size ? 0 : at + WORDS;
    }
    return at;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const key = old.subarray(at, at + WORDS);
      if (key[0] !== 0 || key[1] !== 0 || key[2] !== 0) this.#slots.set(key, this.#find(key, mix(key)));
    }
  }
}

/** A generation that takes no more ids. Its keys lie in buckets without gaps, about 13 bytes each. */
export class ClosedGeneration implements Generation {
  readonly lastMs: number;
  readonly #keys: Uint32Array;
  /** Where each bucket begins, counted in keys, and where the last one ends. */
  readonly #starts: Uint32Array;
  readonly #mask: number;
  #deleted = 0;

  /** @param parts keys of WORDS words each, one after the other */
  constructor(parts: readonly Uint32Array[], lastMs: number) {
    this.lastMs = lastMs;
    const words = parts.reduce((sum, part) => sum + part.length, 0);
    this.#keys = new Uint32Array(words);
    const buckets = 2 ** Math.max(0, Math.ceil(Math.log2(words / WORDS / BUCKET)));
    this.#mask = buckets - 1;
    this.#starts = new Uint32Array(buckets + 1);
    this.#fill(parts);
  }

  get count(): number {
    return this.#keys.length / WORDS - this.#deleted;
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#starts.byteLength;
  }

  has(key: IdKey, mixed: number): boolean {
    return this.#find(key, mixed) >= 0;
  }

  delete(key: IdKey, mixed: number): void {
    for (let at = this.#find(key, mixed); at >= 0; at = this.#find(key, mixed)) {
      this.#keys.fill(0, at, at + WORDS);
      this.#deleted += 1;
    }
  }

  #find(key: IdKey, mixed: number): number {
    const keys = this.#keys;
    const bucket = mixed & this.#mask;
    const end = (this.#starts[bucket + 1] ?? 0) * WORDS;
    for (let at = (this.#starts[bucket] ?? 0) * WORDS; at < end; at += WORDS) {
      if (keys[at] === key[0] && keys[at + 1] === key[1] && keys[at + 2] === key[2]) return at;
    }
    return -1;
  }

  /** Counts the keys of each bucket, then places them. */
  #fill(parts: readonly Uint32Array[]): void {
    const starts = this.#starts;
    for (const part of parts) {
      for (let at = 0; at < part.length; at += WORDS) {
        const bucket = mix(part, at) & this.#mask;
        starts[bucket + 1] = (starts[bucket + 1] ?? 0) + 1;
      }
    }
    for (let bucket = 1; bucket < starts.length; bucket += 1)
      starts[bucket] = (starts[bucket] ?? 0) + (starts[bucket - 1] ?? 0);
    const next = starts.slice();
    for (const part of parts) {
      for (let at = 0; at < part.length; at += WORDS) {
        const bucket = mix(part, at) & this.#mask;
        const to = (next[bucket] ?? 0) * WORDS;
        next[bucket] = to / WORDS + 1;
        for (let word = 0; word < WORDS; word += 1) this.#keys[to + word] = part[at + word] ?? 0;
      }
    }
  }
}
