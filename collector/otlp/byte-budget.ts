import { CollectorError } from '../errors.ts';

/** One request's share of the budget. */
export interface ByteLease {
  /** @throws CollectorError busy if others leave too little; the producer tries again. A lone request is never refused */
  take(bytes: number): void;
  end(): void;
}

/** Bytes that all requests together may hold at once: of bodies being read, and of what is made of them. */
export interface ByteBudget {
  lease(): ByteLease;
}

/** @param maxBytes limit for all requests together */
export function createByteBudget(maxBytes: number): ByteBudget {
  let used = 0;
  function lease(): ByteLease {
    let own = 0;
    return {
      take: (bytes) => {
        if (used > own && used + bytes > maxBytes)
          throw new CollectorError('busy', 'The collector is already reading as much as it can hold: try again later');
        own += bytes;
        used += bytes;
      },
      end: () => {
        used -= own;
        own = 0;
      },
    };
  }
  return { lease };
}
