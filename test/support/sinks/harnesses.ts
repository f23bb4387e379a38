import { amplitudeHarness } from './amplitude-server.ts';
import { ga4Harness } from './ga4-server.ts';
import { matomoHarness } from './matomo-server.ts';
import { otlpHarness } from './otlp-server.ts';
import { fileHarness } from './file.ts';
import { webhookHarness } from './webhook-server.ts';
import { postgresqlHarness } from './postgresql-server.ts';
import { influxdbHarness } from './influxdb-server.ts';
import type { SinkHarness } from './harness.ts';

/** Every sink's harness; the run of all sinks uses them in one process. */
export const HARNESSES: readonly SinkHarness[] = [
  amplitudeHarness,
  ga4Harness,
  matomoHarness,
  otlpHarness,
  fileHarness,
  webhookHarness,
  postgresqlHarness,
  influxdbHarness,
];
