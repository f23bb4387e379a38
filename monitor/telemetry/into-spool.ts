import { ExportResultCode } from '@opentelemetry/core';
import { ProtobufLogsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { Signal } from './spool.ts';

/** Accepts a serialized request. */
export type Keep = (signal: Signal, items: number, body: Uint8Array) => void;

/** Writes log records into the spool: those of one turn of the event loop together, so that a burst costs one sync. */
export class SpoolingLogProcessor implements LogRecordProcessor {
  readonly #keep: Keep;
  #records: ReadableLogRecord[] = [];

  constructor(keep: Keep) {
    this.#keep = keep;
  }

  onEmit(record: ReadableLogRecord): void {
    this.#records.push(record);
    if (this.#records.length === 1) setImmediate(() => this.persist());
  }

  /** Saves everything emitted so far. */
  persist(): void {
    const records = this.#records;
    if (records.length === 0) return;
    this.#records = [];
    const body = ProtobufLogsSerializer.serializeRequest(records);
    if (body !== undefined) this.#keep('logs', records.length, body);
  }

  async forceFlush(): Promise<void> {
    this.persist();
  }

  async shutdown(): Promise<void> {
    this.persist();
  }
}

/** Writes metrics into the spool, each collection with its own time. */
export function spoolingMetricExporter(keep: Keep): PushMetricExporter {
  return {
    export(metrics, resultCallback) {
      const points = metrics.scopeMetrics
        .flatMap((scope) => scope.metrics)
        .reduce((sum, metric) => sum + metric.dataPoints.length, 0);
      const body = points === 0 ? undefined : ProtobufMetricsSerializer.serializeRequest(metrics);
      if (body !== undefined) keep('metrics', points, body);
      resultCallback({ code: ExportResultCode.SUCCESS });
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
}
