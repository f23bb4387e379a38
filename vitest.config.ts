import { defineConfig } from 'vitest/config';

const sources = '{taxonomy,runtime,exporter,instrumentation,proxy,collector,monitor,sinks,cli,tools}';

export default defineConfig({
  test: {
    projects: [
      {
        // Node alone: no broker, no browser, no network beyond loopback sockets of the test itself.
        test: { name: 'unit', include: [`${sources}/**/*.test.ts`, 'test/unit/**/*.test.ts'], testTimeout: 10_000 },
      },
      {
        // The real programs: RabbitMQ, OpenTelemetry Collector, Chromium, Python. One file at a time.
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
