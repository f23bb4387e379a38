import type {
  LogRecordExporter,
  LogRecordProcessor,
  ReadWriteLogRecord,
  ReadableLogRecord,
} from '@opentelemetry/sdk-logs';
import { RetryingSender, type Delivery, type ItemExporter, type RetryingSenderOptions } from './retrying-sender.ts';

export interface DomainEventProcessorOptions extends Omit<RetryingSenderOptions<ReadableLogRecord>, 'exporter'> {
  readonly exporter: LogRecordExporter;
}

const DOMAIN_PREFIX = 'clowder.';

/** Whether a log record is a domain event or refers to one (docs/design.md, "Telemetry form"). */
export function isDomainEvent(record: { readonly eventName?: string | undefined }): boolean {
  return record.eventName?.startsWith(DOMAIN_PREFIX) === true;
}

/** Sends the SDK's domain events, and no other log records, through a `RetryingSender`. */
export class DomainEventProcessor implements LogRecordProcessor {
  readonly #sender: RetryingSender<ReadableLogRecord>;

  constructor(options: DomainEventProcessorOptions) {
    this.#sender = new RetryingSender({ ...options, exporter: withWholeResource(options.exporter) });
  }

  enabled(options: { readonly eventName?: string }): boolean {
    return isDomainEvent(options);
  }

  onEmit(record: ReadWriteLogRecord): void {
    if (isDomainEvent(record)) this.#sender.add(record);
  }

  /** Records not yet accepted by the receiver. */
  get pending(): number {
    return this.#sender.pending;
  }

  get delivery(): Delivery {
    return this.#sender.delivery;
  }

  /** Sends all waiting records at once; resolves when they are accepted, or after the time-out. */
  forceFlush(): Promise<void> {
    return this.#sender.forceFlush();
  }

  /** For the program's exit, as `RetryingSender.sendRemaining`. */
  sendRemaining(send: (records: readonly ReadableLogRecord[]) => boolean): void {
    this.#sender.sendRemaining(send);
  }

  /** Flushes, accepts no more records, and shuts the exporter down. */
  shutdown(): Promise<void> {
    return this.#sender.shutdown();
  }
}

/** Some resource attributes are detected late: waits for them before the first export. */
function withWholeResource(exporter: LogRecordExporter): ItemExporter<ReadableLogRecord> {
  return {
    export(records, resultCallback) {
      const resource = records[0]?.resource;
      if (resource?.asyncAttributesPending !== true) return exporter.export(records, resultCallback);
      const send = (): void => exporter.export(records, resultCallback);
      void (resource.waitForAsyncAttributes?.() ?? Promise.resolve()).then(send, send);
    },
    shutdown: () => exporter.shutdown(),
  };
}
