import { parseArgs } from 'node:util';
import { MUTATIONS, NO_MUTATION } from './mutations.ts';
import { drawSteps, shrink, simulate } from './run.ts';

const USAGE = `npm run simulate -- [--seed N] [--seeds COUNT] [--steps M] [--mutate NAME] [--quiet]

  --seed N       the first seed (1)
  --seeds COUNT  number of seeds from there (1); the trace is printed of a single one, or of the first that fails
  --steps M      steps of each (120)
  --mutate NAME  puts a fault back: ${Object.keys(MUTATIONS).join(', ')}
  --quiet        prints no trace`;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    steps: { type: 'string', default: '120' },
    mutate: { type: 'string' },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<number> {
  const [first, count, steps] = [values.seed, values.seeds, values.steps].map(Number);
  const mutation = values.mutate === undefined ? NO_MUTATION : MUTATIONS[values.mutate];
  const isWrong = [first, count, steps].some((number) => !Number.isSafeInteger(number) || Number(number) < 0);
  if (values.help || isWrong || mutation === undefined || first === undefined || count === undefined) {
    console.log(USAGE);
    return values.help ? 0 : 2;
  }
  for (let seed = first; seed < first + count; seed += 1) {
    const drawn = drawSteps(seed, steps ?? 0);
    const { trace, violation, taken } = await simulate(seed, drawn, mutation);
    if (count === 1 && !values.quiet && violation === undefined) console.log(trace.join('\n'));
    if (violation === undefined) {
      if (process.stderr.isTTY) process.stderr.write(`\r${seed}`);
      continue;
    }
    console.log(`seed ${seed} fails at step ${taken}: ${violation.message}`);
    const fewest = await shrink(seed, drawn.slice(0, taken), violation, mutation);
    const shrunk = await simulate(seed, fewest, mutation);
    console.log(`the fewest steps: ${fewest.map(({ kind }) => kind).join(', ')}`);
    if (!values.quiet) console.log(shrunk.trace.join('\n'));
    return 1;
  }
  console.log(`${count} ${count === 1 ? 'seed' : 'seeds'} from ${first}: every invariant holds`);
  return 0;
}

process.exitCode = await main();
