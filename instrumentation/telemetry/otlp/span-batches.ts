import { ROOT_CONTEXT, context } from '@opentelemetry/api';
import { ExportResultCode, suppressTracing, type ExportResult } from '@opentelemetry/core';
import type { ItemExporter } from '../retrying-sender.ts';
import { appendSpan, type EncodableSpan } from './encode.ts';
import { ProtoWriter } from './proto-writer.ts';
import { errorText } from '../../../runtime/error-text.ts';

export interface SpanBatchesOptions {
  readonly exporter: ItemExporter<Uint8Array>;
  /** Most spans that may wait; beyond it, new ones are dropped, as the SDK does. */
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  /** Called once when spans begin to be lost, and once when sending works again. */
  readonly log: (message: string) => void;
}

interface Batch {
  readonly bytes: Uint8Array;
  readonly spans: number;
}

/** Batches server spans, each encoded as it ends: no span object outlives its request. Sends one batch at a time. */
export class SpanBatches {
  readonly #options: SpanBatchesOptions;
  readonly #open = new ProtoWriter();
  #openSpans = 0;
  #closed: Batch[] = [];
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #losing = false;

  constructor(options: SpanBatchesOptions) {
    this.#options = options;
  }

  add(span: EncodableSpan): void {
    const { maxExportBatchSize, maxQueueSize, scheduledDelayMillis } = this.#options;
    if (this.#waiting >= maxQueueSize) return this.#lose(`more than ${maxQueueSize} wait`);
    appendSpan(this.#open, span);
    this.#openSpans += 1;
    this.#waiting += 1;
    if (this.#openSpans >= maxExportBatchSize) {
      this.#close();
      void this.#send();
    } else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => void this.forceFlush(), scheduledDelayMillis).unref();
    }
  }

  /** Sends all waiting spans; resolves after the attempt. */
  async forceFlush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#close();
    await this.#send();
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
    await this.#options.exporter.shutdown();
  }

  #close(): void {
    if (this.#openSpans === 0) return;
    this.#closed.push({ bytes: this.#open.bytes(), spans: this.#openSpans });
    this.#open.clear();
    this.#openSpans = 0;
  }

  #send(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#closed.shift(); batch !== undefined; batch = this.#closed.shift()) {
      const { code, error } = await this.#export(batch.bytes);
      this.#waiting -= batch.spans;
      if (code !== ExportResultCode.SUCCESS) this.#lose(errorText(error ?? 'unknown error'));
      else if (this.#losing) {
        this.#losing = false;
        this.#options.log('spans are sent again');
      }
    }
  }

  #lose(reason: string): void {
    if (this.#losing) return;
    this.#losing = true;
    this.#options.log(`spans cannot be sent (${reason}); they are lost until it works again`);
  }

  async #export(bytes: Uint8Array): Promise<ExportResult> {
    try {
      return await context.with(
        suppressTracing(ROOT_CONTEXT),
        () => new Promise<ExportResult>((resolve) => this.#options.exporter.export([bytes], resolve)),
      );
    } catch (error) {
      return { code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) };
    }
  }
}
