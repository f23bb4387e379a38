/** The pause after the nth failure in a row: doubled each time, up to the longest. Milliseconds. */
export function backOff(
  failures: number,
  { first, longest }: { readonly first: number; readonly longest: number },
): number {
  return Math.min(longest, first * 2 ** Math.min(failures - 1, 16));
}

/** Equal jitter: half of the pause is certain. @param random from 0 up to 1 */
export function jittered(pauseMs: number, random: () => number): number {
  return pauseMs / 2 + (pauseMs / 2) * random();
}
