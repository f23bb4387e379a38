/** How long to pause after failures in a row. Milliseconds. */
export interface PauseBounds {
  /** The longest pause after the first failure; it doubles with each further one. */
  readonly first: number;
  readonly longest: number;
}

/** After this many doublings, a pause exceeds every bound. */
const DOUBLED_MOST = 30;
/**
 * If a receiver asks for a longer pause, it is tried earlier all the same: it may be back, or have meant milliseconds.
 */
const WISH_LONGEST_MS = 10 * 60_000;

/**
 * The pause after this many failures in a row, from 1: doubled each time up to the longest, with jitter.
 *
 * @param random from 0 up to 1
 */
export function backOff(failures: number, { first, longest }: PauseBounds, random: () => number): number {
  return jittered(Math.min(longest, first * 2 ** Math.min(failures - 1, DOUBLED_MOST)), random);
}

/** Equal jitter: half of the pause is fixed, so that senders neither return all together nor at once. */
export function jittered(pauseMs: number, random: () => number): number {
  return Math.round(pauseMs / 2 + (pauseMs / 2) * random());
}

/** The longer of our own pause and the one that the receiver asks for: a request never makes us faster. */
export function heeding(wishMs: number | undefined, ownMs: number, longestMs: number = WISH_LONGEST_MS): number {
  return wishMs !== undefined && wishMs > ownMs ? Math.max(ownMs, Math.min(wishMs, longestMs)) : ownMs;
}
