/**
 * A test that repeats itself has two forms. The short one runs by default and keeps the shape: every fault, every kind
 * of input, fewer of each. `npm run test:long` runs the long one.
 */
const LONG = process.env['TEST_FORM'] === 'long';

/** Of a size, the one for this run. */
export const form = <Size>({ short, long }: { readonly short: Size; readonly long: Size }): Size =>
  LONG ? long : short;

const LEAST_RUNS = 25;

/**
 * How many inputs a property test draws: the full count in the long form, a tenth of it otherwise.
 * FAST_CHECK_RUNS, an integer, draws that many instead in every property.
 *
 * @param least of the short form; fewer than others for a property whose every input takes a store of its own
 */
export function runs(full = 100, least = LEAST_RUNS): { numRuns: number } {
  const asked = Number(process.env['FAST_CHECK_RUNS'] ?? '');
  if (Number.isInteger(asked) && asked > 0) return { numRuns: asked };
  return { numRuns: LONG ? full : Math.min(full, Math.max(least, Math.ceil(full / 10))) };
}
