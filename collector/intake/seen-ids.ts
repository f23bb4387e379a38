import { hash, randomInt } from 'node:crypto';

export interface SeenIdsOptions {
  /** How long an id is remembered, in milliseconds. @default one hour */
  readonly windowMs?: number;
  /** Ids remembered at most; beyond, the oldest go first. @default 4,000,000 */
  readonly maxIds?: number;
}

const WORDS = 4;
const GENERATIONS = 12;
const GENERATION_MAX = 262_144;
/** A power of two, as every table's size is. */
const FIRST_SLOTS = 1024;
const ID_LENGTH = 32;
const UUID_LENGTH = 36;
const UUID_MARK = 0x9e3779b9;
const DASH = 45;
/** Where a UUID has its dashes, a bit for each place. */
const UUID_DASHES = (1 << 8) | (1 << 13) | (1 << 18) | (1 << 23);
/** Of this process alone, so that nobody can choose ids that all fall into the same slots. */
const SEED = randomInt(2 ** 32);

/** 128 bits of an id; no key is all zero, which means an empty slot. */
type Key = Uint32Array;

function keyOf(id: string, key: Key): void {
  if (!parseHex(id, key)) parseHex(hash('sha256', id, 'hex').slice(0, ID_LENGTH), key);
  if (key[0] === 0 && key[1] === 0 && key[2] === 0 && key[3] === 0) key[3] = 1;
}

/** @returns false where it is neither 32 lower-case hexadecimal digits nor a UUID of such */
function parseHex(id: string, key: Key): boolean {
  const isUuid = id.length === UUID_LENGTH;
  if (id.length !== ID_LENGTH && !isUuid) return false;
  let at = 0;
  for (let word = 0; word < WORDS; word += 1) {
    let value = 0;
    for (let digits = 0; digits < 8; at += 1) {
      const code = id.charCodeAt(at);
      if (isUuid && at < 24 && ((UUID_DASHES >> at) & 1) === 1) {
        if (code !== DASH) return false;
        continue;
      }
      const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1;
      if (digit < 0) return false;
      value = (value << 4) | digit;
      digits += 1;
    }
    key[word] = value;
  }
  // The same digits with and without dashes are two ids.
  if (isUuid) key[0] = (key[0] ?? 0) ^ UUID_MARK;
  return true;
}

/** Spreads the key over 32 bits: ids that begin with the time or count up must not crowd together. */
function mix(key: Key): number {
  let mixed = SEED;
  for (let word = 0; word < WORDS; word += 1) {
    mixed = Math.imul(mixed ^ (key[word] ?? 0), 0x85ebca6b);
    mixed ^= mixed >>> 15;
  }
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** One table of keys with open addressing: no object an id, 16 bytes a slot. */
class Generation {
  readonly startedMs: number;
  /** When the youngest of its ids was added. */
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

  has(key: Key, mixed: number): boolean {
    return this.#isAt(this.#find(key, mixed));
  }

  add(key: Key, mixed: number): void {
    if (this.count * 2 * WORDS >= this.#slots.length) this.#grow();
    const at = this.#find(key, mixed);
    if (this.#isAt(at)) return;
    this.#slots.set(key, at);
    this.count += 1;
  }

  /** Takes a key out and moves up those that had to make way for it. */
  delete(key: Key): boolean {
    const at = this.#find(key);
    if (!this.#isAt(at)) return false;
    this.#slots.fill(0, at, at + WORDS);
    this.count -= 1;
    let next = (at + WORDS) % this.#slots.length;
    while (this.#isAt(next)) {
      const moved = this.#slots.slice(next, next + WORDS);
      this.#slots.fill(0, next, next + WORDS);
      this.#slots.set(moved, this.#find(moved));
      next = (next + WORDS) % this.#slots.length;
    }
    return true;
  }

  #isAt(at: number): boolean {
    const slots = this.#slots;
    return slots[at] !== 0 || slots[at + 1] !== 0 || slots[at + 2] !== 0 || slots[at + 3] !== 0;
  }

  /** Where the key is, or would go. */
  #find(key: Key, mixed = mix(key)): number {
    const slots = this.#slots;
    const size = slots.length;
    let at = (mixed & (size / WORDS - 1)) * WORDS;
    while (this.#isAt(at)) {
      if (slots[at] === key[0] && slots[at + 1] === key[1] && slots[at + 2] === key[2] && slots[at + 3] === key[3])
        return at;
      at = (at + WORDS) & (size - 1);
    }
    return at;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const key = old.subarray(at, at + WORDS);
      if (key[0] !== 0 || key[1] !== 0 || key[2] !== 0 || key[3] !== 0) this.#slots.set(key, this.#find(key));
    }
  }
}

/** The event ids of the last hour: what makes a later observation a duplicate. */
export class SeenIds {
  readonly #windowMs: number;
  readonly #maxIds: number;
  readonly #generationMax: number;
  /** The youngest first. */
  readonly #generations: Generation[] = [];
  /** Key of the id that was asked for last: it is asked for again at once, to be added. */
  readonly #key: Key = new Uint32Array(WORDS);
  #mixed = 0;
  #lastId: string | undefined;

  constructor({ windowMs = 3_600_000, maxIds = 4_000_000 }: SeenIdsOptions = {}) {
    this.#windowMs = windowMs;
    this.#maxIds = maxIds;
    this.#generationMax = Math.max(1, Math.min(GENERATION_MAX, Math.floor(maxIds / GENERATIONS)));
  }

  get size(): number {
    return this.#generations.reduce((sum, one) => sum + one.count, 0);
  }

  /** Memory of the tables. */
  get bytes(): number {
    return this.#generations.reduce((sum, one) => sum + one.bytes, 0);
  }

  has(id: string): boolean {
    this.#take(id);
    for (const generation of this.#generations) if (generation.has(this.#key, this.#mixed)) return true;
    return false;
  }

  /**
   * Remembers the id for the window at least, and for a twelfth of it longer at most.
   *
   * @param nowMs the time of acceptance, never before that of an earlier call
   */
  add(id: string, nowMs: number): void {
    let youngest = this.#generations[0];
    if (
      youngest === undefined ||
      youngest.count >= this.#generationMax ||
      nowMs - youngest.startedMs >= this.#windowMs / GENERATIONS
    ) {
      youngest = new Generation(nowMs);
      this.#generations.unshift(youngest);
      this.#makeRoom();
    }
    youngest.lastMs = Math.max(youngest.lastMs, nowMs);
    this.#expire(nowMs);
    this.#take(id);
    youngest.add(this.#key, this.#mixed);
  }

  delete(id: string): void {
    this.#take(id);
    for (const generation of this.#generations) generation.delete(this.#key);
  }

  #take(id: string): void {
    if (id === this.#lastId) return;
    keyOf(id, this.#key);
    this.#mixed = mix(this.#key);
    this.#lastId = id;
  }

  /** A generation goes when its youngest id is older than the window. */
  #expire(nowMs: number): void {
    for (let oldest = this.#generations.at(-1); oldest !== undefined; oldest = this.#generations.at(-1)) {
      if (nowMs - oldest.lastMs < this.#windowMs) return;
      this.#generations.pop();
    }
  }

  /** The oldest generations go for what the youngest, still empty, may come to hold. */
  #makeRoom(): void {
    while (this.#generations.length > 1 && this.size + this.#generationMax > this.#maxIds) this.#generations.pop();
  }
}
