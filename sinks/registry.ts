import { fileSink } from './file.ts';
import { amplitude } from './amplitude.ts';
import { ga4 } from './ga4.ts';
import { matomo } from './matomo.ts';
import { otlp } from './otlp.ts';
import { webhookSink } from './webhook.ts';
import { postgresql } from './postgresql.ts';
import { influxdb } from './influxdb.ts';
import type { SinkDefinition } from './sink.ts';

/** Every kind of service that events can go to, in the order in which `sink list` shows them. */
export const SINKS: readonly SinkDefinition<unknown>[] = [
  amplitude,
  ga4,
  matomo,
  otlp,
  fileSink,
  webhookSink,
  postgresql,
  influxdb,
];
