import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { form } from './test/support/form.ts';
import { LongestFirst } from './test/support/longest-first.ts';

const sources = '{taxonomy,runtime,exporter,instrumentation,proxy,collector,monitor,sinks,usage,cli,tools}';
const cores = availableParallelism();
/** Replaces a module of Node, or patches one for good: needs a process of its own. */
const ISOLATED = `{${sources},test/unit}/**/*.isolated.test.ts`;
/** Draws many inputs, or many simulations: needs Node alone, and takes more time than all others that do. */
const PROPERTY = `{${sources},test/unit}/**/*.property.test.ts`;
/** Whatever waits says itself for what, and for how long; this is for what hangs. */
const HANGS_MS = form({ short: 300_000, long: 30 * 60_000 });

export default defineConfig({
  test: {
    unstubEnvs: true,
    unstubGlobals: true,
    restoreMocks: true,
    testTimeout: HANGS_MS,
    hookTimeout: HANGS_MS,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        // Node alone: no broker, no browser, no network beyond loopback sockets of the test itself.
        extends: true,
        test: {
          name: 'unit',
          include: [`${sources}/**/*.test.ts`, 'test/unit/**/*.test.ts'],
          exclude: [ISOLATED, PROPERTY],
          // Loading the modules for each file again took more than the tests.
          isolate: false,
          maxWorkers: cores,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'unit, isolated', include: [ISOLATED], maxWorkers: cores, sequence: { groupOrder: 0 } },
      },
      {
        // The real programs: RabbitMQ, OpenTelemetry Collector, Chromium, Python. Each file has ports, directories and
        // a virtual host of its own. Most of their time they wait, so there are more of them than cores.
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          maxWorkers: cores + 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Beside the integration tests, as these leave time of the cores unused.
        extends: true,
        test: {
          name: 'property',
          include: [PROPERTY],
          isolate: false,
          maxWorkers: cores + 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
