import type { Resource } from '@opentelemetry/resources';
import { spanBatchesFromEnv } from '../exporters.ts';
import { RetryingSender, type Delivery } from '../retrying-sender.ts';
import { FLUSH_TIMEOUT_MS, countLost } from '../sdk.ts';
import type { ServerTelemetry } from '../server-request.ts';
import { createEncodedExporter } from './encoded-exporter.ts';
import { createEncodedServerTelemetry, type EncodedServerTelemetryOptions } from './encoded-server-telemetry.ts';
import { SpanBatches } from './span-batches.ts';

export interface EncodedTelemetryOptions extends Pick<
  EncodedServerTelemetryOptions,
  'sample' | 'trusts' | 'errors' | 'onError' | 'adopt' | 'enricher'
> {
  readonly resource: Resource;
  readonly log: (message: string) => void;
}

/** Server telemetry with its own exporters: see `createEncodedServerTelemetry`. */
export interface EncodedTelemetry {
  readonly server: ServerTelemetry;
  /** Of domain events. */
  readonly delivery: Delivery;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

export function createEncodedTelemetry({ resource, log, ...options }: EncodedTelemetryOptions): EncodedTelemetry {
  const spans = new SpanBatches({
    exporter: createEncodedExporter('traces', resource),
    log,
    ...spanBatchesFromEnv(),
  });
  const events = new RetryingSender({
    exporter: createEncodedExporter('logs', resource),
    log,
    onLost: countLost,
    flushTimeoutMs: FLUSH_TIMEOUT_MS,
  });
  const both = async (work: (part: SpanBatches | typeof events) => Promise<void>): Promise<void> => {
    await Promise.all([work(spans), work(events)]);
  };
  return {
    server: createEncodedServerTelemetry({ spans, events, ...options }),
    get delivery() {
      return events.delivery;
    },
    forceFlush: () => both((part) => part.forceFlush()),
    shutdown: () => both((part) => part.shutdown()),
  };
}
