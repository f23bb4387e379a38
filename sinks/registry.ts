import { fileSink } from './services/file/file.ts';
import { amplitude } from './services/amplitude/amplitude.ts';
import { ga4 } from './services/ga4/ga4.ts';
import { matomo } from './services/matomo/matomo.ts';
import { otlp } from './services/otlp/otlp.ts';
import { webhookSink } from './services/webhook/webhook.ts';
import { postgresql } from './services/postgresql/postgresql.ts';
import { influxdb } from './services/influxdb/influxdb.ts';
import type { SinkDefinition } from './sink.ts';

/** Every kind of service that can receive events, in the order of `sink list`. */
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
