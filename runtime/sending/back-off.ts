/** How long to pause after failures in a row. Milliseconds. */
export interface PauseBounds {
  /** After the first failure, at most; doubled with each further one. */
  readonly first: number;
  readonly longest: number;
}

/** Doubled so often, a pause is beyond every bound. */
const DOUBLED_MOST = 30;
/** A receiver that asks for more is asked again all the same: it may be back, or have meant milliseconds. */
const WISH_LONGEST_MS = 10 * 60_000;

/**
 * The pause after so many failures in a row, from 1: doubled each time up to the longest, with jitter.
 *
 * @param random from 0 up to 1
 */
export function backOff(failures: number, { first, longest }: PauseBounds, random: () => number): number {
  return jittered(Math.min(longest, first * 2 ** Math.min(failures - 1, DOUBLED_MOST)), random);
}

/** Equal jitter: half of the pause is certain, so that many senders do not come back at once, and none at once. */
export function jittered(pauseMs: number, random: () => number): number {
  return Math.round(pauseMs / 2 + (pauseMs / 2) * random());
}

/** The longer of our own pause and what the receiver asks for: a wish never makes us faster. */
export function heeding(wishMs: number | undefined, ownMs: number, longestMs: number = WISH_LONGEST_MS): number {
  return wishMs !== undefined && wishMs > ownMs ? Math.max(ownMs, Math.min(wishMs, longestMs)) : ownMs;
}
