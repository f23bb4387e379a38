/**
 * A repetitive test has two forms. The default short form keeps the shape: every fault and every kind of input, but fewer of
 * each. `npm run test:long` runs the long one.
 */
const LONG = process.env['TEST_FORM'] === 'long';

/** The size for this run. */
export const form = <Size>({ short, long }: { readonly short: Size; readonly long: Size }): Size =>
  LONG ? long : short;

const LEAST_RUNS = 25;

/**
 * How many inputs a property test draws: all in the long form; otherwise a tenth, but at least `least`. FAST_CHECK_RUNS, an
 * integer, overrides the number in every property.
 *
 * @param least lower it for a property that needs a store for every input
 */
export function runs(full = 100, least = LEAST_RUNS): { numRuns: number } {
  const asked = Number(process.env['FAST_CHECK_RUNS'] ?? '');
  if (Number.isInteger(asked) && asked > 0) return { numRuns: asked };
  return { numRuns: LONG ? full : Math.min(full, Math.max(least, Math.ceil(full / 10))) };
}
