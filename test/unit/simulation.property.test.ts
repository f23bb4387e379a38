import { describe, expect, test } from 'vitest';
import { MUTATIONS } from '../../simulation/mutations.ts';
import { drawSteps, shrink, simulate } from '../../simulation/run.ts';
import { form } from '../support/form.ts';

/** Only stops a simulation that does not end; it does not measure speed. */
const PATIENCE_MS = 600_000;
const STEPS = 60;
const LONG_STEPS = 120;
const SEEDS = { first: 1, parts: 10, each: form({ short: 50, long: 200 }) };
/** A reinstated fault is found within this many seeds. */
const FOUND_WITHIN = 150;

const firsts = Array.from({ length: SEEDS.parts }, (_, part) => SEEDS.first + part * SEEDS.each);

test.each(firsts)(
  `every invariant holds in the ${SEEDS.each} simulations from seed %i`,
  async (first) => {
    for (let seed = first; seed < first + SEEDS.each; seed += 1) {
      const { violation } = await simulate(seed, drawSteps(seed, STEPS));
      expect(violation?.message, `npm run simulate -- --seed ${seed} --steps ${STEPS}`).toBeUndefined();
    }
  },
  PATIENCE_MS,
);

test.each([5015, 201_536, 204_064, 210_042, 212_872])(
  'every invariant holds in the long simulation from seed %i, which once found a fault',
  async (seed) => {
    const steps = drawSteps(seed, LONG_STEPS, ['election']);
    expect((await simulate(seed, steps)).violation?.message).toBeUndefined();
  },
  PATIENCE_MS,
);

test(
  'events refused by a queue without a leader are delivered once it has one, though the channel goes on refusing',
  async () => {
    const steps = [
      { kind: 'post', seed: 3 },
      { kind: 'election', seed: 1_500_000_000 },
      { kind: 'post', seed: 1 },
      { kind: 'wait', seed: 9 },
      { kind: 'post', seed: 3 },
    ] as const;
    const { trace, violation } = await simulate(1, steps);
    expect(trace.join('\n')).toMatch(/is without a leader: yes(?:\n.*)*\n\d+ nacked event-/);
    expect(violation?.message).toBeUndefined();
  },
  PATIENCE_MS,
);

test(
  'the same seed gives the same trace, and another seed another trace',
  async () => {
    const traceOf = async (seed: number) => (await simulate(seed, drawSteps(seed, STEPS))).trace.join('\n');
    const trace = await traceOf(7);
    expect(await traceOf(7)).toBe(trace);
    expect(await traceOf(8)).not.toBe(trace);
  },
  PATIENCE_MS,
);

describe.each(Object.entries(MUTATIONS))('with the fault %s reinstated', (_name, mutation) => {
  test(
    'the simulation finds it, and shrinks it to a few steps',
    async () => {
      for (let seed = 1; seed <= FOUND_WITHIN; seed += 1) {
        const steps = drawSteps(seed, STEPS);
        const { violation, taken } = await simulate(seed, steps, mutation);
        if (violation === undefined) continue;
        const fewest = await shrink(seed, steps.slice(0, taken), violation, mutation);
        expect(fewest.length).toBeLessThan(taken);
        const again = await simulate(seed, fewest, mutation);
        expect(again.violation?.invariant).toBe(violation.invariant);
        return;
      }
      expect.fail(`not found in ${FOUND_WITHIN} seeds`);
    },
    PATIENCE_MS,
  );
});
