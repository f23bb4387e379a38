import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take half a minute and more (of the unit tests, a tenth of it), longest first: begun last, one of them would keep a core busy alone. */
const LONG = [
  'cases', 'journal', 'report', 'hostile',
  'extractors-program', 'snippet', 'senders', 'secrets', 'rabbitmq-cluster', 'dashboard', 'simulation.property', 'dead-letters',
  'deployment', 'register', 'proxy-process', 'no-loss', 'all-sinks', 'visits.property', 'store.property', 'extend',
]; // prettier-ignore

const place = ({ moduleId }: TestSpecification): number => {
  const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return at === -1 ? LONG.length : at;
};

/** Vitest's own order, but for the files that are known to take long. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}
