import { NO_MUTATION, type Mutation } from './mutations.ts';
import { Random } from './random.ts';
import { drawSteps, mend, take, type Step } from './steps.ts';
import { Violation } from './truth.ts';
import { World } from './world.ts';

export interface Outcome {
  /** One line each: milliseconds since the start, and what happened. */
  readonly trace: readonly string[];
  readonly violation: Violation | undefined;
  /** Steps taken until the simulation ended. */
  readonly taken: number;
}

const MENDED_CHECKS = 80;
const MENDED_EVERY_MS = 5000;

/** Runs one simulation: the same seed and steps give the same trace, byte for byte. */
export async function simulate(
  seed: number,
  steps: readonly Step[],
  mutation: Mutation = NO_MUTATION,
): Promise<Outcome> {
  const random = new Random(seed ^ 0x5bd1e995);
  const world = new World(random, mutation);
  world.time.install(random.next);
  let taken = 0;
  try {
    void world.site.start();
    await world.passAndCheck(1000);
    for (const step of steps) {
      taken += 1;
      await take(step, world);
    }
    mend(world);
    // A power cut may still be pending.
    await world.passAndCheck(100);
    void world.site.start();
    await world.passAndCheck(0);
    const last = { event_id: world.newId(), event: 'user.login', user_id: 'u' };
    world.post([last], 'producer');
    await world.passAndCheck(MENDED_EVERY_MS);
    for (let check = 0; check < MENDED_CHECKS; check += 1) {
      const isTaken = world.truth.isAccepted(last.event_id);
      if (isTaken && !world.truth.isOpen) break;
      // A producer that received 503 tries again: a full disk must first drain by publishing.
      if (!isTaken) world.post([last], 'producer');
      await world.passAndCheck(MENDED_EVERY_MS);
    }
    world.truth.checkEnd(last.event_id);
    return { trace: world.trace, violation: undefined, taken };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    world.note(error.message);
    return { trace: world.trace, violation: error, taken };
  } finally {
    world.site.kill();
    world.time.uninstall();
    world.disk.database.close();
  }
}

/** Removes steps as long as the same invariant still fails without them. */
export async function shrink(
  seed: number,
  steps: readonly Step[],
  { invariant }: Violation,
  mutation: Mutation = NO_MUTATION,
): Promise<readonly Step[]> {
  let left = steps;
  for (let size = Math.ceil(left.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < left.length;) {
      const fewer = left.toSpliced(from, size);
      const { violation, taken } = await simulate(seed, fewer, mutation);
      if (violation?.invariant === invariant) left = fewer.slice(0, taken);
      else from += size;
    }
  }
  return left;
}

export { drawSteps };
