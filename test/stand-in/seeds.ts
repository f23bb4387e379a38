/**
 * Resources that exist in every stand-in from the start. Kind and trait are in the first digits of an id, followed by a number:
 * `f11e` `0` `0000000000000000007` is plain file 7.
 */
const PREFIX_OF_KIND = {
  file: 'f11e',
  dataset: 'da7a',
  collection: 'c011',
  space: '5bac',
  folder: 'f01d',
  link: '11f0',
};
const TRAITS = ['plain', 'private', 'broken', 'stalling', 'large', 'local'] as const;

export type Kind = keyof typeof PREFIX_OF_KIND;
/**
 * - `private`: the client may not see it
 * - `broken`: Clowder fails on it (500), or is not ready for it
 * - `stalling`: its bytes stop after STALLS_AFTER until the client leaves
 * - `large`: LARGE_SIZE bytes
 * - `local`: v2 keeps it on its own disk, not in the object store
 */
export type Trait = (typeof TRAITS)[number];

export const STALLS_AFTER = 64 * 1024;
export const LARGE_SIZE = 8 * 1024 * 1024;

/** The id of a seeded resource. */
export function seedId(kind: Kind, number: number, trait: Trait = 'plain'): string {
  return PREFIX_OF_KIND[kind] + String(TRAITS.indexOf(trait)) + String(number).padStart(19, '0');
}

export interface Seed {
  readonly trait: Trait;
  readonly number: number;
}

/** What a seeded id says; undefined if it is not one of this kind. */
export function readSeed(kind: Kind, id: string): Seed | undefined {
  const match = /^([0-9a-f]{4})([0-9])(\d{19})$/.exec(id);
  const trait = TRAITS[Number(match?.[2])];
  return match?.[1] === PREFIX_OF_KIND[kind] && trait !== undefined ? { trait, number: Number(match[3]) } : undefined;
}

/** Size of a seeded file, in bytes. */
export function seedSize({ number, trait }: Seed): number {
  if (trait === 'large') return LARGE_SIZE;
  return trait === 'stalling' ? 2 * STALLS_AFTER : 1000 + number;
}
