import { releaseBytes } from '../release-bytes.ts';
import { keyOf, mix, WORDS, type IdKey } from '../journal/id-key.ts';
import { ClosedGeneration, OpenGeneration, type Generation } from './seen-generations.ts';

export interface SeenIdsOptions {
  /** How long an id is remembered, in milliseconds. @default one hour */
  readonly windowMs?: number;
  /** Most ids remembered; the oldest are dropped first. @default 4,000,000 */
  readonly maxIds?: number;
}

/** Keys of ids that were added by an earlier process. */
export interface SeenBefore {
  /** WORDS words per key, one key after the other. */
  readonly keys: Uint32Array;
  /** When the first and the last of them were added. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const GENERATIONS = 12;
const GENERATION_MAX = 262_144;

/** The event ids within the window. A later observation with one of them is a duplicate. */
export class SeenIds {
  readonly #windowMs: number;
  readonly #maxIds: number;
  readonly #generationMax: number;
  /** Takes new ids; younger than the closed generations. */
  #open: OpenGeneration | undefined;
  /** The youngest first. */
  readonly #closed: Generation[] = [];
  /** Key of the id looked up last, kept because the same id is often added next. */
  readonly #key: IdKey = new Uint32Array(WORDS);
  #mixed = 0;
  #lastId: string | undefined;

  constructor({ windowMs = 3_600_000, maxIds = 4_000_000 }: SeenIdsOptions = {}) {
    this.#windowMs = windowMs;
    this.#maxIds = maxIds;
    this.#generationMax = Math.max(1, Math.min(GENERATION_MAX, Math.floor(maxIds / GENERATIONS)));
  }

  get size(): number {
    return this.#sum((one) => one.count);
  }

  /** Memory of the tables. */
  get bytes(): number {
    return this.#sum((one) => one.bytes);
  }

  has(id: string): boolean {
    this.#take(id);
    if (this.#open?.has(this.#key, this.#mixed) === true) return true;
    for (const generation of this.#closed) if (generation.has(this.#key, this.#mixed)) return true;
    return false;
  }

  /**
   * Remembers the id for the window, and for up to a twelfth of it longer.
   *
   * @param nowMs the time of acceptance, never earlier than in the call before
   */
  add(id: string, nowMs: number): void {
    if (
      this.#open === undefined ||
      this.#open.count >= this.#generationMax ||
      nowMs - this.#open.startedMs >= this.#windowMs / GENERATIONS
    ) {
      if (this.#open !== undefined) this.#closed.unshift(this.#open.close());
      this.#open = new OpenGeneration(nowMs);
      this.#makeRoom();
    }
    this.#open.lastMs = Math.max(this.#open.lastMs, nowMs);
    this.#expire(nowMs);
    this.#take(id);
    this.#open.add(this.#key, this.#mixed);
  }

  delete(id: string): void {
    this.#take(id);
    this.#open?.delete(this.#key, this.#mixed);
    for (const generation of this.#closed) generation.delete(this.#key, this.#mixed);
  }

  /**
   * Restores the keys from before this process began. Call it before adding ids.
   *
   * @param before the youngest first; read only as far as there is room. Their keys are taken over, and are empty afterwards
   */
  restore(before: Iterable<SeenBefore>): void {
    let parts: Uint32Array[] = [];
    let [keys, lastMs] = [0, 0];
    const close = (): void => {
      if (parts.length > 0) this.#closed.push(new ClosedGeneration(parts, lastMs));
      for (const part of parts) releaseBytes(part);
      parts = [];
      keys = 0;
    };
    let room = this.#maxIds - this.#generationMax;
    for (const one of before) {
      const count = one.keys.length / WORDS;
      room -= count;
      if (room < 0) break;
      if (keys + count > this.#generationMax || lastMs - one.firstMs > this.#windowMs / GENERATIONS) close();
      lastMs = parts.length === 0 ? one.lastMs : Math.max(lastMs, one.lastMs);
      parts.push(one.keys);
      keys += count;
    }
    close();
  }

  #sum(of: (generation: Generation) => number): number {
    return this.#closed.reduce((sum, one) => sum + of(one), this.#open === undefined ? 0 : of(this.#open));
  }

  #take(id: string): void {
    if (id === this.#lastId) return;
    keyOf(id, this.#key);
    this.#mixed = mix(this.#key);
    this.#lastId = id;
  }

  /** Drops the generations whose youngest id is older than the window. */
  #expire(nowMs: number): void {
    for (let oldest = this.#closed.at(-1); oldest !== undefined; oldest = this.#closed.at(-1)) {
      if (nowMs - oldest.lastMs < this.#windowMs) return;
      this.#closed.pop();
    }
  }

  /** Drops the oldest generations until the new, still empty one has room to fill up. */
  #makeRoom(): void {
    while (this.#closed.length > 0 && this.size + this.#generationMax > this.#maxIds) this.#closed.pop();
  }
}
