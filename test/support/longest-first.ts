import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take half a minute or more (unit tests: a tenth of that), longest first. Started last, one of them would keep a
 * single core busy at the end.
 */
const LONG = [
  'cases', 'journal', 'report', 'hostile',
  'extractors-program', 'snippet', 'senders', 'secrets', 'rabbitmq-cluster', 'dashboard', 'simulation.property', 'dead-letters',
  'deployment', 'register', 'proxy-process', 'no-loss', 'all-sinks', 'visits.property', 'store.property', 'extend',
]; // prettier-ignore

const place = ({ moduleId }: TestSpecification): number => {
  const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  return at === -1 ? LONG.length : at;
};

/** Vitest's own order, but with the slow files first. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}
