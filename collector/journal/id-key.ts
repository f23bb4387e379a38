import { hash, randomInt } from 'node:crypto';

/** 32-bit words per key. */
export const WORDS = 3;
const ID_WORDS = 4;
const ID_LENGTH = 32;
const UUID_LENGTH = 36;
const UUID_MARK = 0x9e3779b9;
const DASH = 45;
/** Positions of the dashes in a UUID, one bit each. */
const UUID_DASHES = (1 << 8) | (1 << 13) | (1 << 18) | (1 << 23);
/** Random per process, so that nobody can choose ids that collide. */
const SEED = randomInt(2 ** 32);

/** 96 bits of an id, enough to keep millions distinct. No key is all zero, which means an empty slot. */
export type IdKey = Uint32Array;

export function keyOf(id: string, key: IdKey): void {
  if (!parseHex(id, key)) parseHex(hash('sha256', id, 'hex').slice(0, ID_LENGTH), key);
  if (key[0] === 0 && key[1] === 0 && key[2] === 0) key[2] = 1;
}

/** @returns false if it is neither 32 lower-case hexadecimal digits nor a UUID of such */
function parseHex(id: string, key: IdKey): boolean {
  const isUuid = id.length === UUID_LENGTH;
  if (id.length !== ID_LENGTH && !isUuid) return false;
  let at = 0;
  for (let word = 0; word < ID_WORDS; word += 1) {
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
    if (word < WORDS) key[word] = value;
    else key[0] = (key[0] ?? 0) ^ value;
  }
  // The same digits with and without dashes are different ids.
  if (isUuid) key[0] = (key[0] ?? 0) ^ UUID_MARK;
  return true;
}

/** Spreads a key over 32 bits, so that ids that begin with the time or count up do not cluster. */
export function mix(keys: IdKey, at = 0): number {
  let mixed = SEED;
  for (let word = at; word < at + WORDS; word += 1) {
    mixed = Math.imul(mixed ^ (keys[word] ?? 0), 0x85ebca6b);
    mixed ^= mixed >>> 15;
  }
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
